/** Questions that the run itself asks people. */
import { messageWithId, type StoredError, textOfValue } from '../../../core/index.ts'
import type { Branch } from '../branches/branches-slice.ts'
import type { RunDecision } from '../decision.ts'

/** Asks a person if the branch is at `User`. If `User` has no outgoing edge, the value of the branch is its response. */
export function askPerson(d: RunDecision, branch: Branch) {
  const node = d.node(branch.node)
  if (node.kind !== 'user' || branch.question !== undefined) return
  if (node.out.length === 0)
    return d.emit({ type: 'branch.completed', branch: branch.id, agent: node.label, as: 'ended', value: branch.input })
  d.emit({
    type: 'question.asked',
    question: `${branch.id}?${branch.asked + 1}`,
    branch: branch.id,
    agent: branch.from === undefined ? node.label : d.node(branch.from).label,
    ask: { kind: 'question', text: textOfValue(branch.input) },
  })
}

export function askAboutFailure(d: RunDecision, branch: Branch, error: StoredError): void {
  const agent = d.label(branch)
  d.emit({
    type: 'question.asked',
    question: `${branch.id}!${branch.asked + 1}`,
    branch: branch.id,
    agent,
    failed: error,
    ask: {
      kind: 'error',
      text: `${agent} failed: ${messageWithId(error)} Retry, skip or abort?`,
      options: ['retry', 'skip', 'abort'],
    },
  })
}
