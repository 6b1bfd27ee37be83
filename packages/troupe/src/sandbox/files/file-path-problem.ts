const maxPathBytes = 512

/** Returns why a path cannot name a file of a workspace; undefined if it can. Imports nothing, for the thread of QuickJS. */
export function filePathProblem(relative: string): string | undefined {
  if (relative === '') return 'it is empty'
  if (Buffer.byteLength(relative) > maxPathBytes) return `it is longer than ${maxPathBytes} bytes`
  if (!relative.isWellFormed() || relative.normalize('NFC') !== relative) return 'it is not Unicode in form NFC'
  if (/[\p{Cc}\\:]/u.test(relative)) return 'it has a control character, a backslash or a colon'
  if (relative.startsWith('/')) return 'it is an absolute path'
  const isSegmentWrong = (segment: string) => segment === '' || segment === '.' || segment === '..'
  return relative.split('/').some(isSegmentWrong) ? 'it has an empty segment, . or ..' : undefined
}
