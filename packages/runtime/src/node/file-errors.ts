// Turns errors of the operating system into FileError, once, here.
import { FileError, type FileErrorCode } from '../files.ts'

const CODES: Readonly<Record<string, FileErrorCode>> = {
  ENOENT: 'not-found',
  EEXIST: 'exists',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EIO: 'io',
  EACCES: 'permission',
  EPERM: 'permission',
  EROFS: 'permission',
}

/** The errno name of a system error, '' of anything else. */
export function errnoOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
}

/** `action` completes the sentence "can not …". */
export function fileError(error: unknown, action: string, path: string): FileError {
  if (error instanceof FileError) return error
  const errno = errnoOf(error)
  const cause = errno === '' ? String(error) : errno
  return new FileError(CODES[errno] ?? 'other', path, `can not ${action} (${cause})`, error)
}
