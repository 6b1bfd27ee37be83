/** Paths of files in a workspace: relative, in one form, and without a way out. */
import { failure, show } from '../../core/index.ts'

const maxPathBytes = 512

/**
 * Returns the path without a leading `./`.
 * @throws ValidationError `sandbox.path`
 */
export function checkFilePath(path: unknown): string {
  const wrong = (problem: string) => failure('sandbox.path', { path: show(path), problem })
  if (typeof path !== 'string') throw wrong('it is not a text')
  const relative = path.startsWith('./') ? path.slice(2) : path
  if (relative === '') throw wrong('it is empty')
  if (Buffer.byteLength(relative) > maxPathBytes) throw wrong(`it is longer than ${maxPathBytes} bytes`)
  if (!relative.isWellFormed() || relative.normalize('NFC') !== relative) throw wrong('it is not Unicode in form NFC')
  if (/[\p{Cc}\\:]/u.test(relative)) throw wrong('it has a control character, a backslash or a colon')
  const segments = relative.split('/')
  if (relative.startsWith('/')) throw wrong('it is an absolute path')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw wrong('it has an empty segment, . or ..')
  return relative
}
