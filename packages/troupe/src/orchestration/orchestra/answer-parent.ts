/** In the change that ends a run: the step that started it hears of its end, and the step's run of what was used. */
import { type Json, taintField, type UserId } from '../../core/index.ts'
import type { Statement } from '../../storage/index.ts'
import { resultOf } from '../core/result.ts'
import type { State } from '../core/state.ts'
import { parentOf } from './parent.ts'
import type { OrchestraParts } from './parts.ts'
import { runJournal } from './run-journals.ts'
import { type Told, toJson } from './wire.ts'

export function answerParent(
  { steps, inbox }: OrchestraParts,
  user: UserId,
  run: string,
  state: State,
  at: number,
): readonly Statement[] {
  const parent = parentOf(state.pinned)
  if (!parent) return []
  // The branches stay in the child's own journal: the step's record holds the answer alone.
  const result = { ...resultOf(state, at), branchResults: [] }
  const { totalSteps: used, usage, cost } = result
  const unknown = cost.unknown.length > 0 ? { unknown: cost.unknown } : {}
  const charged: Told = { type: 'charged', run, steps: used, usage: { ...usage, cost: cost.usd, ...unknown } }
  const value = JSON.parse(JSON.stringify(result)) as Json
  const answer = { value, ...taintField(result.taint) }
  return [
    ...steps.answer(user, parent.step, parent.wait, answer).statements,
    ...inbox.put(user, runJournal(parent.run), runJournal(run), 'charged', toJson(charged)).statements,
  ]
}
