/** Unified diffs. The package is loaded when the first one is made. */
import type { StructuredPatch } from 'diff'
import type { FileContent } from '../sandbox-port.ts'

/** The search for the smallest difference takes a time that is quadratic in the changed lines, on the main thread. */
const maxEditLength = 2_000

/** Returns an empty text for contents that are not text. Of files that differ in more lines, all lines are replaced. */
export async function unifiedDiff(path: string, from: FileContent, to: FileContent): Promise<string> {
  if (typeof from !== 'string' || typeof to !== 'string') return ''
  const { formatPatch, structuredPatch } = await import('diff')
  const patchOf = (before: string, after: string) => structuredPatch(`a/${path}`, `b/${path}`, before, after)
  const smallest = structuredPatch(`a/${path}`, `b/${path}`, from, to, undefined, undefined, { maxEditLength })
  return formatPatch(smallest ?? replacing(patchOf(from, ''), patchOf('', to)))
}

function replacing(removal: StructuredPatch, addition: StructuredPatch): StructuredPatch {
  const hunks = [...removal.hunks, ...addition.hunks]
  const [oldLines, newLines] = [removal.hunks[0]?.oldLines ?? 0, addition.hunks[0]?.newLines ?? 0]
  const lines = hunks.flatMap((hunk) => hunk.lines)
  return { ...removal, hunks: [{ oldStart: 1, oldLines, newStart: 1, newLines, lines }] }
}
