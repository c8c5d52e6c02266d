// Constants of the record layout, shared by the codec and the scanner.

/** Topic length in one byte. */
export const RECORD_MAGIC_V1 = -626_843_481
/** Topic length in two bytes. */
export const RECORD_MAGIC_V2 = -626_843_477
/** The filler that closes a segment: totalSize, this magic, then bytes without a meaning. */
export const BLANK_MAGIC = -875_286_124
/** Bytes of the filler's header; every segment keeps at least as many free. */
export const BLANK_BYTES_MIN = 8

/** V1, IPv4 hosts, and neither topic nor body nor properties. */
export const RECORD_BYTES_MIN = 91

/** Positions inside a record of the fields before the first host. */
export const FieldAt = {
  TOTAL_SIZE: 0,
  MAGIC: 4,
  BODY_CRC: 8,
  QUEUE_ID: 12,
  FLAG: 16,
  QUEUE_OFFSET: 20,
  COMMIT_LOG_OFFSET: 28,
  SYS_FLAG: 36,
  BORN_TIMESTAMP: 40,
  BORN_HOST: 48,
} as const
