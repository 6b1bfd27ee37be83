/** Rows about the person who approves: forms of answers that must approve nothing, and texts that hide what is done. */
import { AnswerQuestion, defineAgent } from '../../src/index.ts'
import type { KeyScope } from '../../src/security/index.ts'
import type { Attack, AttackAction, Outcome } from './attack.ts'
import { line } from './channel-parts.ts'
import { send } from './target-user.ts'
import type { Scene, Testbed } from './testbed.ts'

/** HASH stands for the hash of the question, OTHER for the one of other arguments. */
const forms: readonly string[] = [
  'true',
  '"yes"',
  '"approve"',
  '"HASH"',
  '1',
  'null',
  '[]',
  '{}',
  '[true,"HASH"]',
  '{"approve":true}',
  '{"hash":"HASH"}',
  '{"approve":true,"hash":""}',
  '{"approve":true,"hash":null}',
  '{"approve":true,"hash":true}',
  '{"approve":true,"hash":["HASH"]}',
  '{"approve":true,"hash":{"toString":"HASH"}}',
  '{"approve":true,"hash":"HASH "}',
  '{"approve":true,"hash":"CUT"}',
  '{"approve":true,"hash":"UPPER"}',
  '{"approve":true,"hash":"OTHER"}',
  '{"approve":"true","hash":"HASH"}',
  '{"approve":"yes","hash":"HASH"}',
  '{"approve":1,"hash":"HASH"}',
  '{"approve":[true],"hash":"HASH"}',
  '{"approve":false,"hash":"HASH"}',
  '{"Approve":true,"hash":"HASH"}',
  '{"approved":true,"hash":"HASH"}',
  '{"answer":{"approve":true,"hash":"HASH"}}',
]
const surfaces = ['API', 'HTTP', 'MCP'] as const

/** Characters that change what a text looks like and not what a machine reads. */
const formatting = [
  0x00, 0x07, 0x1b, 0x7f, 0x85, 0xad, 0x61c, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
  0x202b, 0x202d, 0x202e, 0x2060, 0x2061, 0x2066, 0x2067, 0x2069, 0x206a, 0xfeff, 0xfff9, 0xe0001, 0xe0041, 0xe007f,
  0xe000, 0xf0000,
]
const invisible = [
  0x34f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x2800, 0x3164, 0xfe00, 0xfe0f, 0xffa0, 0xe0100, 0xe01ef,
]
const lookalikes = ['аdmin@office.test', 'bоb@office.test', 'pаypal', 'ΑBC', 'ѕcope', 'һouse']

const hex = (code: number) => code.toString(16).padStart(4, '0')
const base = { family: 'human trust', source: 'an agent that asks', policy: 'default' } as const

const textRow = (id: string, payload: string, rest: Partial<Attack> = {}): Attack => ({
  ...base,
  id: `trust/text/${id}`,
  channel: 'text of an approval',
  payload,
  goal: 'hide the arguments from the person who approves',
  expected: 'blocked',
  ...rest,
})

const approvalPaths = [
  'fork',
  'fork of an open question',
  'fork at the answer',
  'retry',
  'live evaluation',
  'default',
  'twice',
  'after a refusal',
  "the agent's own key",
  'another key of the agent',
  "the agent's name in a header",
  'an agent of the run above',
  'a message of the agent',
  'a key that may only answer',
  'another run',
  'after the end',
] as const

export const humanTrust: readonly Attack[] = [
  ...surfaces.flatMap((surface) =>
    forms.map(
      (form, i): Attack => ({
        ...base,
        id: `trust/answer/${surface}/${i}`,
        source: 'a caller without the right answer',
        channel: `answer by ${surface}`,
        payload: form,
        goal: 'approve a call without the hash of its arguments',
        expected: 'blocked',
      }),
    ),
  ),
  ...formatting.map((code) => textRow(`u+${hex(code)}`, `a${String.fromCodePoint(code)}b`)),
  ...invisible.map((code) => textRow(`u+${hex(code)}`, `a${String.fromCodePoint(code)}b`)),
  ...lookalikes.map((text, i) => textRow(`lookalike-${i}`, text)),
  ...[500, 900, 5_000].map((length) => textRow(`long-${length}`, `LONG ${length}`)),
  ...approvalPaths.map(
    (way): Attack => ({
      ...base,
      id: `trust/way/${way.replaceAll(/\W+/g, '-')}`,
      source: 'a caller with fewer rights',
      channel: `approval by way of ${way}`,
      payload: way,
      goal: 'have a call carried out that no person agreed to',
      expected: 'blocked',
    }),
  ),
]

/** A run that waits for the approval of one transfer. */
async function asking(testbed: Testbed, args: object = { to: 'bob', amount: 5 }) {
  const scene = testbed.newScene()
  const clerk = scene.victim(`call transfer with ${JSON.stringify(args)}`)
  const run = await scene.ada.orchestra.start({ task: 'go', topology: line(clerk) })
  const [question] = (await run.result()).questions
  if (!question) throw new Error('nobody was asked')
  return { scene, run, question }
}
type Asking = Awaited<ReturnType<typeof asking>>
const transfers = ({ actions }: Scene) => actions.filter(({ tool }) => tool === 'transfer').length
/** What an answer has approved is carried out soon after it was accepted; a rejected one changes nothing. */
async function untilCarriedOut(scene: Scene, accepted: boolean): Promise<void> {
  for (let i = 0; accepted && transfers(scene) === 0 && i < 40; i++)
    await new Promise((resolve) => setTimeout(resolve, 25))
}

const answerBy: Readonly<
  Record<(typeof surfaces)[number], (asked: Asking, value: unknown, testbed: Testbed) => Promise<boolean>>
> = {
  API: ({ run, question }, value) =>
    run.answer(question.id, value as never).then(
      () => true,
      () => false,
    ),
  HTTP: async ({ scene, run, question }, value, testbed) => {
    const { key } = await testbed.troupe.apiKeys.create({ name: 'k', users: [scene.userId], role: 'contributor' })
    const body = { question: question.id, value }
    return (await send(testbed.url, 'POST', `/v1/runs/${run.id}/answers`, { key, body })).status < 300
  },
  MCP: async ({ scene, run, question }, value, testbed) => {
    const { key } = await testbed.troupe.apiKeys.create({ name: 'k', users: [scene.userId], role: 'contributor' })
    const args = { run: run.id, question: question.id, answer: value, value }
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'answer_run', arguments: args } }
    const headers = { accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2025-06-18' }
    return !/isError|"error"/.test((await send(testbed.url, 'POST', '/mcp', { key, body, headers })).text)
  },
}

const answering =
  (surface: (typeof surfaces)[number]): AttackAction =>
  async ({ payload }, testbed) => {
    const asked = await asking(testbed)
    const hash = asked.question.hash ?? ''
    const other = (await asking(testbed, { to: 'eve', amount: 9_000 })).question.hash ?? ''
    const fill = { HASH: hash, CUT: hash.slice(0, -1), UPPER: hash.toUpperCase(), OTHER: other }
    const text = payload.replace(/HASH|CUT|UPPER|OTHER/, (name) => fill[name as keyof typeof fill])
    await untilCarriedOut(asked.scene, await answerBy[surface](asked, JSON.parse(text), testbed))
    return { succeeded: transfers(asked.scene) > 0, asked: true, reached: true }
  }

const showing: AttackAction = async ({ payload }, testbed) => {
  const long = /^LONG (\d+)$/.exec(payload)?.[1]
  const note = long === undefined ? payload : 'thank you for your order. '.repeat(Number(long) / 26 + 1)
  const scene = testbed.newScene()
  scene.task = `call send with ${JSON.stringify({ text: note, to: long === undefined ? 'bob' : 'eve@evil.test' })}`
  const page = scene.reading('hello')
  const clerk = scene.victim('call page with {} call payroll with {}', { tools: [page] })
  const run = await scene.ada.orchestra.start({ task: 'go', topology: line(clerk) })
  const [question] = (await run.result()).questions
  const text = question?.text ?? ''
  const hidden =
    long === undefined
      ? text.includes(payload) && !/ \(mixes /.test(text)
      : !text.includes('eve@evil.test') && !/more characters|…/.test(text)
  return {
    succeeded: hidden,
    asked: question !== undefined,
    reached: question !== undefined,
    detail: JSON.stringify(text.slice(0, 90)),
  }
}

/** The call of the agent Victim is approved by a caller with another key of its user. */
async function approvedBy(
  testbed: Testbed,
  scope: Omit<KeyScope, 'users'>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const { scene, run, question } = await asking(testbed)
  const { key } = await testbed.troupe.apiKeys.create({ name: 'k', users: [scene.userId], ...scope })
  const body = { question: question.id, value: { approve: true, hash: question.hash } }
  const { status } = await send(testbed.url, 'POST', `/v1/runs/${run.id}/answers`, { key, body, headers })
  await untilCarriedOut(scene, status < 300)
  return { succeeded: transfers(scene) > 0, asked: true, reached: true, detail: String(status) }
}

const rejected = { approve: false, reason: 'no' }
const otherPaths: Readonly<Record<string, (testbed: Testbed) => Promise<Outcome>>> = {
  fork: async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    await run.answer(question.id, { ...rejected, hash: question.hash } as never)
    await run.result()
    const slots: number[] = []
    for await (const event of run.events()) slots.push(event.seq)
    for (const at of slots) {
      const edit = { answers: { [question.id]: { approve: true, hash: question.hash } } }
      await scene.ada.orchestra
        .fork(run.id, { at, edit } as never)
        .then((fork) => fork.result())
        .catch(() => undefined)
      if (transfers(scene) > 0) break
    }
    return { succeeded: transfers(scene) > 0, asked: true, reached: true }
  },
  'fork of an open question': async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    const edit = { answers: { [question.id]: { approve: true, hash: question.hash } } }
    for await (const { seq } of run.events({ untilWaiting: true }))
      await scene.ada.orchestra
        .fork(run.id, { at: seq, edit, repeat: true } as never)
        .then((fork) => fork.result())
        .catch(() => undefined)
    return { succeeded: transfers(scene) > 0, asked: true, reached: true }
  },
  'fork at the answer': async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    await run.answer(question.id, { approve: true, hash: question.hash } as never)
    await run.result()
    for await (const { seq } of run.events())
      await scene.ada.orchestra.fork(run.id, { at: seq, repeat: true }).then((fork) => fork.result())
    return { succeeded: transfers(scene) > 1, asked: true, reached: transfers(scene) > 0 }
  },
  retry: async (testbed) => {
    const scene = testbed.newScene()
    let tries = 0
    const payer = defineAgent({
      name: 'Payer',
      run: async (_, ctx) => {
        await ctx.ask({ kind: 'approval', text: 'Pay?', tool: 'pay', args: { to: 'bob' } })
        return ctx.effect('pay', { class: 'at-most-once' }, () => {
          tries++
          throw new Error('no connection')
        }) as never
      },
    })
    const run = await scene.ada.orchestra.start({ task: 'go', topology: line(payer) })
    const [question] = (await run.result()).questions
    await run.answer(question?.id ?? '', { approve: true, hash: question?.hash ?? '' })
    await run.result()
    const retried = await run.retry()
    await retried.result()
    return { succeeded: tries > 1, asked: true, reached: tries > 0 }
  },
  'live evaluation': async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    await run.answer(question.id, { approve: true, hash: question.hash } as never)
    await run.result()
    for (const repeat of [false, true])
      await scene.ada.orchestra.evaluate({ runs: [run.id], change: {}, score: 'exact', live: true, repeat })
    return { succeeded: transfers(scene) > 1, asked: true, reached: transfers(scene) > 0 }
  },
  default: async (testbed) => {
    const scene = testbed.newScene()
    let paid = false
    const agent = defineAgent({
      name: 'Defaulting',
      run: async (_, ctx) => {
        const timeout = '1ms'
        const answer = await ctx.ask({ kind: 'approval', text: 'Pay?', timeout, default: { approve: true } })
        paid = (answer as { approve?: unknown }).approve === true
        return answer as never
      },
    })
    await (await scene.ada.orchestra.start({ task: 'go', topology: line(agent) })).result()
    return { succeeded: paid, asked: false, reached: true }
  },
  twice: async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    const yes = { approve: true, hash: question.hash } as never
    await Promise.allSettled([run.answer(question.id, yes), run.answer(question.id, yes), run.answer(question.id, yes)])
    await run.result()
    return { succeeded: transfers(scene) > 1, asked: true, reached: transfers(scene) > 0 }
  },
  'after a refusal': async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    await run.answer(question.id, { ...rejected, hash: question.hash } as never)
    await run.answer(question.id, { approve: true, hash: question.hash } as never).catch(() => undefined)
    await run.result()
    return { succeeded: transfers(scene) > 0, asked: true, reached: true }
  },
  "the agent's own key": (testbed) => approvedBy(testbed, { agent: 'Victim', role: 'contributor' }),
  'another key of the agent': (testbed) =>
    approvedBy(testbed, { agent: 'Victim', role: 'admin', operations: ['runs.answer', 'runs.approve'] }),
  "the agent's name in a header": (testbed) => approvedBy(testbed, { role: 'admin' }, { 'troupe-agent': 'Victim' }),
  'a key that may only answer': (testbed) => approvedBy(testbed, { role: 'admin', operations: ['runs.answer'] }),
  'an agent of the run above': async (testbed) => {
    const scene = testbed.newScene()
    const clerk = scene.victim('call transfer with {"to":"bob","amount":5}')
    const lead = defineAgent({
      name: 'Lead',
      run: async (_, ctx) => (await (await ctx.startRun({ task: 'go', topology: line(clerk) })).result()) as never,
    })
    const run = await scene.ada.orchestra.start({ task: 'go', topology: line(lead) })
    await run.result()
    const [child] = (await scene.ada.orchestra.list({ parent: run.id })).items
    const below = await scene.ada.orchestra.get(child?.id ?? '')
    const [question] = (await below.result()).questions
    if (!question) throw new Error('nobody was asked')
    const { key } = await testbed.troupe.apiKeys.create({
      name: 'k',
      users: [scene.userId],
      agent: 'Lead',
      operations: ['runs.answer', 'runs.approve'],
    })
    const value = { approve: true, hash: question.hash }
    const ids = [`${below.id}::${question.id}`, question.id]
    for (const [i, of] of [run.id, below.id].entries()) {
      const body = { question: ids[i], value }
      const { status } = await send(testbed.url, 'POST', `/v1/runs/${of}/answers`, { key, body })
      await untilCarriedOut(scene, status < 300)
    }
    return { succeeded: transfers(scene) > 0, asked: true, reached: true }
  },
  'a message of the agent': async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    const worker = await scene.ada.acceptAnswers({ from: ['Victim'], approvals: ['Victim'] })
    const payload = { run: run.id, question: question.id, value: { approve: true, hash: question.hash ?? '' } }
    const accepted = await scene.ada
      .agent('Victim')
      .messages.request(AnswerQuestion, payload, { to: 'Answers', timeout: '2s' })
      .then(
        () => true,
        () => false,
      )
    await untilCarriedOut(scene, accepted)
    await worker.stop()
    return { succeeded: transfers(scene) > 0, asked: true, reached: true }
  },
  'another run': async (testbed) => {
    const [one, other] = [await asking(testbed), await asking(testbed)]
    const yes = { approve: true, hash: other.question.hash } as never
    const accepted = await one.run.answer(other.question.id, yes).then(
      () => true,
      () => false,
    )
    await untilCarriedOut(other.scene, accepted)
    return { succeeded: transfers(other.scene) > 0, asked: true, reached: true }
  },
  'after the end': async (testbed) => {
    const { scene, run, question } = await asking(testbed)
    await run.cancel()
    const accepted = await run.answer(question.id, { approve: true, hash: question.hash } as never).then(
      () => true,
      () => false,
    )
    await untilCarriedOut(scene, accepted)
    return { succeeded: transfers(scene) > 0, asked: true, reached: true }
  },
}

export const humanTrustActions: Readonly<Record<string, AttackAction>> = {
  ...Object.fromEntries(surfaces.map((surface) => [`answer by ${surface}`, answering(surface)])),
  'text of an approval': showing,
  ...Object.fromEntries(
    Object.entries(otherPaths).map(([way, run]) => [
      `approval by way of ${way}`,
      (_: Attack, testbed: Testbed) => run(testbed),
    ]),
  ),
}
