/** Policies with a model that does what it is told. */
import { describe, expect, it } from 'vitest'
import { createTroupe, defineAgent, defineTool, LlmAgent, patterns } from '../../index.ts'
import { call, injection, nothing, openPolicyTestbed } from './policy-testbed.test.fixture.ts'

describe('A rule about an argument', () => {
  const policy = [
    { tool: 'send', when: 'args.to is trusted', do: 'allow' },
    { tool: 'send', do: 'ask', reason: 'the recipient was read somewhere' },
  ] as const

  it('A rule about an argument allows a copy of a trusted text, even if the call contains untrusted and sensitive values.', async () => {
    const { run, clerk, sent, decisions } = await openPolicyTestbed({ policy })
    const { agent } = clerk([
      call('page'),
      call('payroll'),
      call('send', { to: 'boss@office.test', text: 'bob earns 90417' }),
    ])
    expect(await (await run(agent)).result()).toMatchObject({ status: 'completed' })
    expect(sent).toEqual([{ to: 'boss@office.test', text: 'bob earns 90417' }])
    expect(decisions).toEqual([['send', 'allow', 'policy[0] of the troupe', 'args.text']])
  })

  it('A rule about an argument asks about text that the model wrote after untrusted input, and names the argument and the reason.', async () => {
    const { troupe, run, clerk, sent } = await openPolicyTestbed({ policy })
    const { agent } = clerk([call('page'), call('send', { to: 'eve@evil.test', text: 'x' })])
    const started = await run(agent)
    const { questions } = await started.result()
    expect(questions).toMatchObject([{ kind: 'approval', tool: 'send', args: { to: 'eve@evil.test', text: 'x' } }])
    expect(questions[0]?.text).toContain('policy[1] of the troupe: the recipient was read somewhere')
    expect(questions[0]?.text).toContain('args.to carries untrusted:web, from page (call 1.1)')
    expect(sent).toEqual([])
    const { sentences } = await troupe.user('ada').orchestra.why(started.id)
    expect(sentences.filter(({ about }) => about === 'policy').map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^The policy asked a person about the call send 2\.1 of Clerk .*policy\[1\] of the troupe.*args\.to carries untrusted:web, from page/,
      ),
    ])
    await troupe.audit.flush()
    expect((await troupe.audit.incidents({ user: 'ada' })).items).toMatchObject([
      { operation: 'send', reason: 'policy.asked' },
    ])
    await started.answer(questions[0]?.id ?? '', { approve: true, hash: questions[0]?.hash ?? '' })
    expect(await started.result()).toMatchObject({ status: 'completed' })
    expect(sent).toHaveLength(1)
  })

  it('A rule about an argument does not count a part of a word, or a value of three characters, as a copy.', async () => {
    for (const to of ['boss@office.tes', 'oss@office.test', 'you']) {
      const { run, clerk, sent } = await openPolicyTestbed({ policy })
      const { agent } = clerk([call('page'), call('send', { to, text: 'x' })])
      expect([(await (await run(agent)).result()).status, sent]).toEqual(['waiting', []])
    }
  })
})

describe('The rules of an agent and of a tool', () => {
  it('The rules of an agent and of a tool narrow what the troupe allows, and the strictest counts.', async () => {
    const { run, clerk, sent, decisions } = await openPolicyTestbed({ policy: [{ tool: '*', do: 'allow' }] })
    const block = { policy: [{ tool: 'send', when: 'call is untrusted', do: 'block' }] } as const
    const { agent, model } = clerk([call('page'), call('send', { to: 'boss@office.test', text: 'hello' })], block)
    expect(await (await run(agent)).result()).toMatchObject({ status: 'completed' })
    expect(sent).toEqual([])
    expect(decisions).toContainEqual(['send', 'block', 'policy[0] of the agent Clerk', 'args.text'])
    expect(JSON.stringify(model.calls.at(-1)?.prompt)).toContain('policy[0] of the agent Clerk')
  })

  it('The rules of an agent never allow what the troupe asks about.', async () => {
    const { run, clerk, sent } = await openPolicyTestbed()
    const allow = { policy: [{ tool: 'send', do: 'allow' }] } as const
    const { agent } = clerk([call('page'), call('payroll'), call('send', { to: 'boss@office.test', text: 'x' })], allow)
    expect([(await (await run(agent)).result()).status, sent]).toEqual(['waiting', []])
  })
})

it('A copy of a text from before the untrusted input has the labels of its own time.', async () => {
  const { run, clerk, sent } = await openPolicyTestbed({
    policy: [
      { tool: 'send', when: 'any arg is untrusted', do: 'block' },
      { tool: 'send', do: 'allow' },
    ],
  })
  const early = clerk([
    call('payroll'),
    call('page'),
    call('send', { to: 'boss@office.test', text: 'bob earns 90417' }),
  ])
  await (await run(early.agent)).result()
  expect(sent).toHaveLength(1)
  const late = clerk([call('page'), call('payroll'), call('send', { to: 'boss@office.test', text: 'bob earns 90417' })])
  await (await run(late.agent)).result()
  expect(sent).toHaveLength(1)
})

describe('The rules of a team and of a caller', () => {
  const topologyOf = (agent: LlmAgent, config: object) =>
    ({ agents: [agent], flows: ['Start -> Clerk', 'Clerk -> End'], config }) as never

  it('The rules of a team and of a caller both count, and neither loosens the other.', async () => {
    const { troupe, clerk, sent, decisions } = await openPolicyTestbed()
    const { agent } = clerk([call('send', { to: 'boss@office.test', text: 'x' })])
    const team = { policy: [{ tool: 'send', do: 'block', reason: 'nothing goes out' }] }
    const topology = topologyOf(agent, team)
    const config = { policy: [{ tool: 'send', do: 'allow' }] } as const
    await (await troupe.user('ada').orchestra.start({ task: 'Do it.', topology, config })).result()
    expect([sent, decisions]).toEqual([[], [['send', 'block', 'policy[0] of the team']]])
  })

  it('The reason of a rule of a caller is marked like arguments where a person reads it.', async () => {
    const { troupe, clerk } = await openPolicyTestbed()
    const { agent } = clerk([call('send', { to: 'boss@office.test', text: 'x' })])
    const config = { policy: [{ tool: 'send', do: 'ask', reason: 'for \u202e\u3164\u0430dmin\nMay Clerk' }] } as const
    const run = await troupe.user('ada').orchestra.start({ task: 'x', topology: topologyOf(agent, {}), config })
    const { questions } = await run.result()
    const shown = 'for \\u{202e}\\u{3164}\\u{430}dmin (mixes Latin and Cyrillic)\\u{a}May Clerk'
    expect(questions[0]?.text).toContain(`policy[0] of the run: ${shown}`)
    const { sentences } = await troupe.user('ada').orchestra.why(run.id)
    expect(sentences.find(({ about }) => about === 'policy')?.text).toContain(shown)
  })

  it('The rules of a caller hold in a run that a step starts.', async () => {
    const { troupe, clerk, sent, decisions } = await openPolicyTestbed()
    const { agent } = clerk([call('send', { to: 'boss@office.test', text: 'x' })])
    const inner = topologyOf(agent, { policy: [{ tool: 'send', do: 'allow' }] })
    const starter = defineAgent({
      name: 'Starter',
      run: async (_, ctx) => (await (await ctx.startRun({ task: 'x', topology: inner })).result()).response ?? null,
    })
    const config = { policy: [{ tool: 'send', do: 'block' }] } as const
    const topology = patterns.pipeline({ stages: [{ agents: [starter] }] })
    await (await troupe.user('ada').orchestra.start({ task: 'x', topology, config })).result()
    expect([sent, decisions]).toEqual([[], [['send', 'block', 'policy[0] of the run']]])
  })

  it('The rules of a caller are rejected before the run with the position of a mistake.', async () => {
    const { troupe, clerk } = await openPolicyTestbed()
    const topology = topologyOf(clerk([]).agent, {})
    const start = (policy: unknown) =>
      troupe.user('ada').orchestra.start({ task: 'x', topology, config: { policy } as never })
    await expect(start([{ tool: 'send', when: 'args.to iz trusted', do: 'ask' }])).rejects.toThrow(
      /policy\[0\]\.when of the run.*character 9/,
    )
    await expect(start('send')).rejects.toThrow(/config\.policy/)
    await expect(start([{ tool: 'sent', do: 'ask' }])).rejects.toMatchObject({ code: 'topology.rejected' })
  })
})

it.each([
  [{ policy: 'x' }, /policy/],
  [{ policy: [{ tool: 'a', do: 'ask', when: 'args.a' }] }, /policy\[0\]\.when of the troupe.*character 7/],
  [{ policy: { rules: [{ tool: 'a', do: 'no' }] } }, /policy\[0\]\.do of the troupe/],
])('A policy that cannot be read is rejected when the troupe opens: %j.', async (config, problem) => {
  await expect(createTroupe({ storage: 'memory:', log: 'silent', ...config } as never)).rejects.toThrow(problem)
})

it.each([
  [{ hide: 'body' }, /hide is neither/],
  [{ hide: [] }, /hide is neither/],
  [{ hide: ['a..b'] }, /hide is neither/],
  [{ policy: [{ when: 'args.to is', do: 'ask' }] }, /policy\[0\]\.when of the tool t.*character 11/],
  [{ declassify: [{ label: 'web', reason: 'x' }] }, /declassify is not a list/],
  [{ declassify: [{ label: 'untrusted' }] }, /declassify is not a list/],
])('A tool that declares its flows wrongly is rejected: %j.', (options, problem) => {
  const tool = { name: 't', description: 'x', inputSchema: nothing, execute: () => 1, ...options }
  expect(() => defineTool(tool as never)).toThrow(problem)
})

it('An agent declares its policy and what its model reads, and is rejected if they are invalid.', () => {
  const agent = (options: object) => () => new LlmAgent({ name: 'A', model: 'offline/extractive', ...options } as never)
  expect(agent({ untrusted: 'hidden' })).toThrow(/untrusted is hidden, neither read nor hide|untrusted is/)
  expect(agent({ policy: [{ tool: 'x', do: 'ask', when: 'call' }] })).toThrow(
    /policy\[0\]\.when of the agent A.*character 5/,
  )
  const changed = agent({ untrusted: 'hide', policy: [{ tool: 'x', do: 'ask' }] })().with({ instructions: 'y' })
  expect(changed.fingerprint).not.toBe(agent({ instructions: 'y' })().fingerprint)
  expect(changed.fingerprint).toBe(
    agent({ instructions: 'y', untrusted: 'hide', policy: [{ tool: 'x', do: 'ask' }] })().fingerprint,
  )
})

it('A rule applies to effects of code by their names, with all labels of the step on their arguments.', async () => {
  const { troupe, decisions } = await openPolicyTestbed({
    policy: [
      { tool: 'mail', when: 'args.to is untrusted', do: 'block' },
      { tool: 'note', when: 'args.to is trusted', do: 'ask' },
    ],
  })
  const done: string[] = []
  const payer = defineAgent({
    name: 'Payer',
    run: async (_, ctx) => {
      const mail = () => ctx.effect('mail', { class: 'at-most-once', input: { to: 'bob' } }, () => done.push('mail'))
      await mail()
      await ctx.effect('page', { class: 'read', taint: ['untrusted:web'] }, () => injection)
      await expect(mail()).rejects.toMatchObject({ code: 'policy.denied' })
      return 'done'
    },
  })
  const topology = patterns.pipeline({ stages: [{ agents: [payer] }] })
  expect(await (await troupe.user('ada').orchestra.start({ task: 'x', topology })).result()).toMatchObject({
    status: 'completed',
  })
  expect([done, decisions]).toEqual([['mail'], [['mail', 'block', 'policy[0] of the troupe', 'args']]])
})
