/** The rules for paths of files in a workspace, for the host and for the thread of QuickJS, which loads nothing else. */
const maxPathBytes = 512

/** Returns why a path cannot name a file of a workspace; undefined if it can. */
export function filePathProblem(relative: string): string | undefined {
  if (relative === '') return 'it is empty'
  if (Buffer.byteLength(relative) > maxPathBytes) return `it is longer than ${maxPathBytes} bytes`
  if (!relative.isWellFormed() || relative.normalize('NFC') !== relative) return 'it is not Unicode in form NFC'
  if (/[\p{Cc}\\:]/u.test(relative)) return 'it has a control character, a backslash or a colon'
  if (relative.startsWith('/')) return 'it is an absolute path'
  const isSegmentWrong = (segment: string) => segment === '' || segment === '.' || segment === '..'
  return relative.split('/').some(isSegmentWrong) ? 'it has an empty segment, . or ..' : undefined
}
