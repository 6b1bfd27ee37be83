/** Writes an audit record of a read of a run, if reads are audited. */
import type { UserId } from '../../core/index.ts'
import type { OrchestraParts } from './orchestra-parts.ts'

export function recordRead(
  { reporting: { audit } }: Pick<OrchestraParts, 'reporting'>,
  user: UserId,
  run: string,
  operation: 'read.run' | 'run.export' = 'read.run',
): void {
  audit?.read(user, { actor: 'host', operation, resource: run })
}
