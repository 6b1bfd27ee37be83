/** Names that agents may have: those of the host and of the person in a run are taken. */
import { checkName, failure } from '../../core/index.ts'

/** What pushes for the host; no agent may have this name. */
export const hostName = 'host'
const reserved = new Map([
  [hostName, 'the host has this name'],
  ['User', 'the person who takes part in a run has this name'],
])

/** @throws ValidationError `name.invalid` */
export function checkAgentName(name: unknown): string {
  const checked = checkName('agent', name)
  const problem = reserved.get(checked)
  if (problem !== undefined) throw failure('name.invalid', { what: 'The agent', value: checked, problem, limit: 256 })
  return checked
}
