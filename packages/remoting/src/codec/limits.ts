// Sizes of frames. Java: com.rocketmq.remoting.frameMaxLength, NettyDecoder.

/** A whole frame with its length field. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024
/** A header; the longest regular one is 32 KiB of properties, each character escaped. */
export const HEADER_BYTES_MAX = 256 * 1024
/** Text fields of one header. */
export const EXT_FIELDS_MAX = 4096
