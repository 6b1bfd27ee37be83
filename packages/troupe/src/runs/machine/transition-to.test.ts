/** Every status of each slice with every status: what the tables allow happens, and all else breaks an invariant. */
import { expect, it } from 'vitest'
import { branchTransitions } from './branches/branches-slice.ts'
import { joinTransitions } from './joins/joins-slice.ts'
import { questionTransitions } from './people/questions-slice.ts'
import { runTransitions } from './run/run-slice.ts'
import { stepTransitions } from './steps/steps-slice.ts'
import { type StatusTransitions, transitionTo } from './transition-to.ts'

const tables: Readonly<Record<string, StatusTransitions<string>>> = {
  branch: branchTransitions,
  join: joinTransitions,
  question: questionTransitions,
  run: runTransitions,
  step: stepTransitions,
}
const pairs = Object.entries(tables).flatMap(([record, table]) =>
  Object.keys(table).flatMap((from) => Object.keys(table).map((to) => ({ record, table, from, to }))),
)

it.each(pairs)('A $record that is $from becomes $to only if its table allows it.', ({ record, table, from, to }) => {
  const change = () => transitionTo(table, record, from, to)
  if (table[from]?.includes(to)) expect(change()).toBe(to)
  else
    expect(change).toThrow(
      expect.objectContaining({
        code: 'invariant.broken',
        details: expect.objectContaining({ rule: `${record} is ${from} and cannot become ${to}` }),
      }),
    )
})
