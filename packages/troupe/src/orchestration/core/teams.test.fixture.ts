/** Teams and scripts that the tests of the core share. */
import { defineAgent } from '../../agents/index.ts'
import type { Json } from '../../core/index.ts'
import { finish, invoke, resultsIn, type Script, value, valuesIn, World } from '../topology/world.test.fixture.ts'
import type { RunConfig } from './read-config.ts'

export const agent = (name: string) => defineAgent({ name, run: () => null })
export const team = (names: string, flows: readonly string[], more: object = {}) => ({
  agents: names.split(' ').map(agent),
  flows,
  ...more,
})
export const leaf =
  (v: Json, after = 0): Script =>
  () =>
    value(v, after)
export const fan =
  (...names: string[]): Script =>
  (input) =>
    resultsIn(input) ? finish(valuesIn(input)) : invoke(...names.map((n): [string, Json] => [n, `for ${n}`]))
export const hub = (names: string[], scripts: Record<string, Script>, config: RunConfig = {}, lead = fan(...names)) =>
  new World(
    team(`Lead ${names.join(' ')}`, ['Start -> Lead', ...names.map((n) => `Lead <-> ${n}`), 'Lead -> End']),
    { Lead: lead, ...scripts },
    config,
  ).settle()
