/** Checks that the troupe has the roles that agents name. */
import { nearest } from '../../core/index.ts'
import type { Roles } from '../../security/index.ts'
import type { CompiledTopology } from '../define-topology.ts'
import type { Finding } from './finding.ts'
import { allAgents } from './with-helpers.ts'

export function checkRoles(topology: CompiledTopology, roles?: Roles): Finding[] {
  if (!roles) return []
  const known = Object.keys(roles)
  return [...allAgents(topology)].flatMap(({ name, access }) => {
    const role = access?.role
    if (role === undefined || Object.hasOwn(roles, role)) return []
    const near = nearest(role, known)
    return {
      code: 'role.unknown',
      severity: 'error',
      location: name,
      message: `${name} has the role ${role}, which is not defined`,
      remedy: `Use one of ${known.join(', ')}${near === undefined ? '' : `; did you mean ${near}?`}`,
    }
  })
}
