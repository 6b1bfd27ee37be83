/**
 * The workspace files of a fork: the versions that its source had written where the fork begins. An ended step contributes all
 * of its versions, a waiting step those of the turns that the fork shares, and a later step none.
 */
import { stepJournal } from '../../../journal/index.ts'
import { runWorkspace } from '../../../sandbox/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import type { ForkedSteps, StepLogEntry } from './forked-steps.ts'

interface ForkedLogs {
  /** The shared records of each step that waits where the fork begins. */
  readonly shared: ReadonlyMap<string, readonly StepLogEntry[]>
  /** Returns true for a step that started after the fork's event or is executed again in the fork. */
  readonly isLater: (step: string) => boolean
}

export async function forkFiles(
  { agents: { services } }: OrchestraParts,
  { user, source, run }: ForkedSteps,
  { shared, isLater }: ForkedLogs,
): Promise<readonly Statement[]> {
  const stored = services.sandboxes?.stored
  if (!stored) return []
  const from = runWorkspace(source.run)
  const versions = await stored.versions(user, from)
  if (versions.length === 0) return []
  const journals = new Map([...shared].map(([step, entries]) => [stepJournal(source.run, step), entries]))
  const prefix = stepJournal(source.run, '')
  const written = new Map<string, number>()
  const statements: Statement[] = []
  for (const version of versions) {
    const { path, step, removed } = version
    const entries = journals.get(step)
    if (entries) {
      const name = `${step} ${path}`
      const count = written.get(name) ?? 0
      written.set(name, count + 1)
      if (count >= writesOf(entries, path)) continue
    } else if (isLater(step.slice(prefix.length))) continue
    const content = removed ? null : await stored.content(user, from, path, version.version)
    const own = runWorkspace(run)
    const copied = { ...version, content, workspace: own, step: renamed(step, prefix, run) }
    statements.push(...stored.add(user, copied))
  }
  return statements
}

/** Returns how often the file was written in these records. */
const writesOf = (entries: readonly StepLogEntry[], path: string): number =>
  entries.flatMap(({ w = [] }) => w).filter((call) => call.replace(/#\d+$/, '').endsWith(`file:${path}`)).length

const renamed = (step: string, prefix: string, run: string): string =>
  step.startsWith(prefix) ? stepJournal(run, step.slice(prefix.length)) : step
