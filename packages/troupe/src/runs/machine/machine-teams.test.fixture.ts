/** Teams and scripts that the tests of the core share. */
import { defineAgent } from '../../agents/index.ts'
import type { Json } from '../../core/index.ts'
import type { RunConfig } from '../../topology/canonical/run-config.ts'
import {
  type AgentStub,
  finish,
  invoke,
  MachineTestbed,
  resultsIn,
  value,
  valuesIn,
} from './machine-testbed.test.fixture.ts'

export const agent = (name: string) => defineAgent({ name, run: () => null })
export const team = (names: string, flows: readonly string[], more: object = {}) => ({
  agents: names.split(' ').map(agent),
  flows,
  ...more,
})
export const leaf =
  (v: Json, after = 0): AgentStub =>
  () =>
    value(v, after)
export const fan =
  (...names: string[]): AgentStub =>
  (input) =>
    resultsIn(input) ? finish(valuesIn(input)) : invoke(...names.map((n): [string, Json] => [n, `for ${n}`]))
export const hub = (names: string[], stubs: Record<string, AgentStub>, config: RunConfig = {}, lead = fan(...names)) =>
  new MachineTestbed(
    team(`Lead ${names.join(' ')}`, ['Start -> Lead', ...names.map((n) => `Lead <-> ${n}`), 'Lead -> End']),
    { Lead: lead, ...stubs },
    config,
  ).runUntilIdle()
export const slow =
  (after = 60_000, stopsAfter = 0): AgentStub =>
  () => ({ ...value('slow', after), stopsAfter })

/** Nodes by name with the names of their agents, and edges from, to, type. */
export const drawn = (nodes: Record<string, string>, edges: readonly (readonly [string, string, string])[]) => {
  const agents = new Map([...new Set(Object.values(nodes))].map((name) => [name, agent(name)]))
  return {
    nodes: [
      { name: 'Start', kind: 'start' },
      ...Object.entries(nodes).map(([name, of]) => ({ name, kind: 'agent', agent: agents.get(of) })),
      { name: 'End', kind: 'end' },
    ],
    edges: edges.map(([from, to, type]) => ({ from, to, type })),
  } as never
}
