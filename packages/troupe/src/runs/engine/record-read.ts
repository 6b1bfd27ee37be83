/** Records that somebody read what a run holds, where reads are recorded. */
import type { UserId } from '../../core/index.ts'
import type { OrchestraParts } from './orchestra-parts.ts'

export function recordRead(
  { audit }: Pick<OrchestraParts, 'audit'>,
  user: UserId,
  run: string,
  operation: 'read.run' | 'run.export' = 'read.run',
): void {
  audit?.read(user, { actor: 'host', operation, resource: run })
}
