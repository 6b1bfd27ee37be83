/** The names that agents may have: not those of the application and of the person in a run. */
import { checkName, failure } from '../../core/index.ts'

/** The name under which the application writes; no agent may have it. */
export const hostName = 'host'
const reserved = new Map([
  [hostName, 'the application writes under this name'],
  ['User', 'the person who takes part in a run has this name'],
])

/** @throws ValidationError `name.invalid` */
export function checkAgentName(name: unknown): string {
  const checked = checkName('agent', name)
  const problem = reserved.get(checked)
  if (problem !== undefined) throw failure('name.invalid', { what: 'The agent', value: checked, problem, limit: 256 })
  return checked
}
