/**
 * The files that a fork has: the versions that its source had written where the fork begins. A step that ended by then gives
 * all of its own; one that waits, those of the turns that the fork shares; a later one, none.
 */
import { runWorkspace } from '../../../sandbox/index.ts'
import type { Statement } from '../../../storage/index.ts'
import type { OrchestraParts } from '../orchestra-parts.ts'
import { stepJournal } from '../store/run-journals.ts'
import type { ForkedSteps, StepLogEntry } from './forked-steps.ts'

interface ForkedLogs {
  /** By step that waits where the fork begins: the records that the fork shares. */
  readonly shared: ReadonlyMap<string, readonly StepLogEntry[]>
  /** Whether a step began after the place of the fork, or is executed once more there. */
  readonly isLater: (step: string) => boolean
}

export async function forkFiles(
  { services }: OrchestraParts,
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

/** How often these records tell that the file was written. */
const writesOf = (entries: readonly StepLogEntry[], path: string): number =>
  entries.flatMap(({ w = [] }) => w).filter((call) => call.replace(/#\d+$/, '').endsWith(`file:${path}`)).length

const renamed = (step: string, prefix: string, run: string): string =>
  step.startsWith(prefix) ? stepJournal(run, step.slice(prefix.length)) : step
