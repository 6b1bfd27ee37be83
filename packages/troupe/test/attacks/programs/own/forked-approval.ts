/** A key that may fork and not approve gives, by the edit of a fork, the approval that a person refused. */
import type { Trial } from '../trial.ts'
import { askingClerk, shortWait } from './asking-clerk.ts'
import { serveAgents } from './serve-agents.ts'

export const forkedApproval: Trial = async ({ storage, check }) => {
  const { sent, clerk, team } = askingClerk()
  await serveAgents({ storage: storage(), agents: [clerk], teams: { clerk: team } }, async ({ troupe, caller }) => {
    const run = await troupe.user('ada').orchestra.start({ id: 'refused', task: 'x', team: 'clerk' })
    const [question] = (await run.result()).questions
    if (!question) throw new Error('nobody was asked')
    await run.answer(question.id, { approve: false, hash: question.hash ?? '' })
    await run.result()
    const operations = ['runs.fork', 'runs.read'] as const
    const forger = await caller({ role: 'moderator', agent: 'SomebodyElse', operations } as never)
    const host = await caller({ role: 'moderator', operations } as never)
    const value = { approve: true, hash: question.hash }
    const answered = await forger.request('POST', '/v1/runs/refused/answers', { question: question.id, value })
    check('a key without the operation answers no approval', answered.status >= 400, answered.text)
    const numbers: number[] = []
    for await (const { seq } of run.events()) numbers.push(seq)
    for (const { request } of [forger, host])
      for (const at of numbers)
        for (const repeat of [false, true]) {
          const edit = { answers: { [question.id]: value } }
          await request('POST', '/v1/runs/refused/fork', { at, edit, repeat })
        }
    const plain = await host.request('POST', '/v1/runs/refused/fork', { at: 1 })
    check('a fork without an answer is carried out', plain.status < 300, plain.text)
    await shortWait()
    check(`${numbers.length * 4} forks carry out nothing`, sent.length === 0, sent)
    await troupe.audit.flush()
    const { items } = await troupe.audit.list({ user: 'ada', limit: 1_000 })
    const approvals = items.filter(({ operation }) => operation === 'approval.give')
    check('the audit log has no approval that no person gave', approvals.length === 0, approvals)
    const forks = items.filter(({ key, operation, allowed }) => key === host.id && allowed && operation === 'run.fork')
    const accepted = (await troupe.user('ada').orchestra.list()).items.length - 1
    check('the audit log has each fork with its key', forks.length >= accepted, `${forks.length} of ${accepted}`)
  })
}
