import { expect, it } from 'vitest'
import { loadState, saveState } from './save-state.ts'
import { createState } from './state.ts'

it('A snapshot of the release before, with a flag for returned results, names the agent that was invoked.', () => {
  const saved = saveState(createState()) as { branches: { all: unknown } }
  const branches = [
    { hasReturned: true, results: [{ agent: 'Spoke' }, { agent: 'Other' }] },
    { hasReturned: true, results: [] },
    { hasReturned: false },
    { invoked: 'Spoke' },
  ]
  saved.branches.all = branches.map((branch, i) => [`${i}`, { ...branch, progressHashes: {} }])
  const loaded = loadState(saved as never)
  expect([...loaded.branches.all.values()].map(({ invoked }) => invoked)).toEqual(['Spoke', '', undefined, 'Spoke'])
})
