/** Returns the parts of a tool's policy: those of its name, or else those of all tools. */
import type { TroupeConfig } from '../../configuration/index.ts'

export function policyPartsOf({ policies }: TroupeConfig, tool: string): ReadonlySet<string> {
  const byName = policies?.tools ?? {}
  const policy = Object.hasOwn(byName, tool) ? byName[tool] : byName['*']
  return new Set(Object.entries(policy ?? {}).flatMap(([part, value]) => (value === undefined ? [] : [part])))
}
