/** Counts everything again that a state counts as it changes: the stored counts must be equal. */
import { expect } from 'vitest'
import { type Branch, type Group, isBranchEnded } from './branches/branches-slice.ts'
import { joinsAhead } from './branches/flow.ts'
import type { State } from './state.ts'

const count = <T>(items: Iterable<T>, counts: (item: T) => boolean): number => [...items].filter(counts).length

export function expectCountsToHold(state: State): void {
  const { branches, steps, limits } = state
  const all = [...branches.all.values()]
  const open = [...steps.open.values()]
  const executing = open.filter(({ status }) => status === 'running')
  expect({ openCount: branches.openCount, delayedCount: branches.delayedCount }).toEqual({
    openCount: count(all, (branch) => !isBranchEnded(branch)),
    delayedCount: count(all, ({ status }) => status === 'delayed'),
  })
  expect(all.filter(({ status }) => status === 'routing')).toEqual([])
  const { uncertain, codeChanged, parallel } = steps
  expect({ uncertain, codeChanged, parallel, executing: steps.executing }).toEqual({
    uncertain: count(open, ({ reason }) => reason === 'uncertain'),
    codeChanged: count(open, ({ reason }) => reason === 'code.changed'),
    parallel: count(executing, ({ serve }) => !serve),
    executing: executing.length,
  })
  for (const [node, busy] of Object.entries(limits.busy))
    expect(busy).toBe(count(executing, (step) => step.node === node && !step.serve))
  for (const step of open)
    expect(step).toMatchObject({
      openQuestions: count(Object.values(step.questions), (status) => status === 'open'),
      openRequests: Object.keys(step.requests).length,
      childCount: Object.keys(step.children).length,
    })
  for (const group of branches.groups.values()) expectGroupToHold(state, group)
}

function expectGroupToHold(state: State, group: Group): void {
  const open = [...state.branches.all.values()].filter((branch) => branch.group === group.id && !isBranchEnded(branch))
  expect([...group.open].sort()).toEqual(open.map(({ id }) => id).sort())
  expect(group.live).toBe(open.length)
  expect(group.blocked).toBe(count(open, ({ blocked }) => blocked))
  const reaches = (branch: Branch, node: string) => joinsAhead(state, group, branch.node).reach.includes(node)
  for (const [node, blocked] of Object.entries(group.blockedReachableCounts))
    expect(blocked).toBe(count(open, (branch) => branch.blocked && reaches(branch, node)))
}
