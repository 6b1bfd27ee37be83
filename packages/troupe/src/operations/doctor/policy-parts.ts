/** Which parts the policy of a tool has: of its own name, else of all. */
import type { TroupeConfig } from '../../configuration/index.ts'

export function policyPartsOf({ policies }: TroupeConfig, tool: string): ReadonlySet<string> {
  const byName = policies?.tools ?? {}
  const policy = Object.hasOwn(byName, tool) ? byName[tool] : byName['*']
  return new Set(Object.entries(policy ?? {}).flatMap(([part, value]) => (value === undefined ? [] : [part])))
}
