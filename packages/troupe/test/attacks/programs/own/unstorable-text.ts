/** A NUL or half a character in tags, tasks and values fails internally, or keeps later runs from starting. */
import { echo } from '../../testbed.ts'
import type { Trial } from '../trial.ts'
import { serveAgents } from './serve-agents.ts'

const texts = ['a\u0000b', '\ud800', '\udfff\ud800']
const teams = { solo: { agents: [echo], flows: ['Start -> Echo', 'Echo -> End'] } }

export const unstorableText: Trial = async ({ storage, check }) => {
  await serveAgents({ storage: storage(), teams }, async ({ caller }) => {
    const { request } = await caller({ role: 'admin' })
    for (const text of texts) {
      const schedule = { team: 'solo', task: 1, every: '1d' }
      const requests = {
        'tag of a run': ['POST', '/v1/runs', { team: 'solo', task: 1, tags: [text] }],
        'tag of a schedule': ['POST', '/v1/schedules', { ...schedule, tags: [text] }],
        'task of a run': ['POST', '/v1/runs', { team: 'solo', task: text }],
        'task of a schedule': ['POST', '/v1/schedules', { ...schedule, task: { [text]: text } }],
        'value of an entry': ['PUT', '/v1/context/entries/k', { value: text }],
        'payload of a message': ['POST', '/v1/messages', { type: 'n', payload: text, to: 'Box' }],
      } as const
      for (const [what, [method, path, body]] of Object.entries(requests)) {
        const answer = await request(method, path, body)
        check(`${what} ${JSON.stringify(text)}`, answer.status < 500, `${answer.status} ${answer.text}`)
      }
    }
    const { status } = await request('POST', '/v1/runs', { team: 'solo', task: 1 })
    check('runs start afterwards', status === 201, status)
  })
}
