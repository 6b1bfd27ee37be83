/** Unified diffs. The package is loaded when the first one is made. */
import type { FileContent } from '../sandbox-port.ts'

/** Returns an empty text for contents that are not text. */
export async function unifiedDiff(path: string, from: FileContent, to: FileContent): Promise<string> {
  if (typeof from !== 'string' || typeof to !== 'string') return ''
  const { createTwoFilesPatch } = await import('diff')
  return createTwoFilesPatch(`a/${path}`, `b/${path}`, from, to)
}
