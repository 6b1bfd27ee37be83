/** Sessions of several processes on one database: at most one process executes the open step of a thread. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { createTroupe, defineAgent, type Session, type Troupe } from '../../src/index.ts'
import { dropSchema, missingServer, schemaName, server } from './postgres-server.ts'

const missing = await missingServer()
const schema = schemaName('sessions')
const storage = { url: server, schema } as const
const busy = { code: 'thread.busy', retryable: true, message: expect.stringContaining('a session of another process') }
const codeOf = (call: Promise<unknown>) => call.catch((error: { readonly code: string }) => error.code)

/** An agent whose effect waits for the test. */
function gatedPayer(name: string) {
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const pay = async () => {
    begun.resolve()
    await gate.promise
    return `paid by ${name}`
  }
  const run = (_: string, ctx: Parameters<NonNullable<Parameters<typeof defineAgent>[0]['run']>>[1]) =>
    ctx.effect('pay', { class: 'at-most-once' }, pay)
  return { agent: defineAgent<string>({ name: 'Payer', run }), pay, begun: begun.promise, release: gate.resolve }
}

const children: ChildProcess[] = []
const opened: Troupe[] = []
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await Promise.all(opened.splice(0).map((troupe) => troupe.close()))
  if (missing === undefined) await dropSchema(schema)
})

/** Starts a call in a child, and waits until its step works. */
const begin = async (work: 'effect' | 'code', target: string | object = storage) => {
  const program = join(import.meta.dirname, 'session-child.ts')
  const args = ['--no-warnings', program, JSON.stringify(target), work]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const output: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => output.push(...text.trim().split('\n')))
  await expect.poll(() => output).toEqual(['working'])
  return { child, output }
}

test('A session on a file continues the step of a killed process at once.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-sessions-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = `sqlite:${join(folder, 'troupe.db')}`
  const { child } = await begin('code', file)
  child.kill('SIGKILL')
  await new Promise((resolve) => child.once('exit', resolve))
  const troupe = await createTroupe({ storage: file, log: 'silent' })
  opened.push(troupe)
  const payer = defineAgent<string>({ name: 'Payer', run: async (text) => `${text}!` })
  expect(await troupe.user('ada').session(payer, { threadId: 't' }).chat('And?')).toBe('And?!')
  const { messages } = await troupe.user('ada').orchestra.thread('t')
  expect(messages.map(({ text }) => text)).toEqual(['Pay.', 'Pay.!', 'And?', 'And?!'])
})

describe.skipIf(missing !== undefined)('sessions of several processes', () => {
  const open = async (lease: '2s' | '60s' = '60s') => {
    const troupe = await createTroupe({ storage, lease, log: 'silent' })
    opened.push(troupe)
    return troupe
  }
  /** Calls until the process that executes the step has lost its lease. */
  const untilFree = async (session: Session) => {
    for (;;) {
      const end = await codeOf(session.chat('And?'))
      if (end !== 'thread.busy') return end
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  test('A session rejects a call as busy while another process executes a step of its thread.', async () => {
    const [first, second] = [gatedPayer('one'), gatedPayer('two')]
    const one = (await open()).user('ada').session(first.agent, { threadId: 't' })
    const two = (await open()).user('ada').session(second.agent, { threadId: 't' })
    const paying = one.chat('Pay.')
    await first.begun
    await expect(two.chat('Pay too.')).rejects.toMatchObject(busy)
    await expect(two.executeTool('none', {})).rejects.toMatchObject(busy)
    await expect(two.forget()).rejects.toMatchObject({ code: 'thread.busy' })
    first.release()
    expect(await paying).toBe('paid by one')
    expect(await two.uncertain()).toEqual([])
    second.release()
    expect(await two.chat('Pay too.')).toBe('paid by two')
  })

  test('A session continues the step of a killed process when its lease has expired, with its effect uncertain.', async () => {
    const { child } = await begin('effect')
    const payer = gatedPayer('here')
    const session = (await open()).user('ada').session(payer.agent, { threadId: 't' })
    await expect(session.chat('And?')).rejects.toMatchObject(busy)
    child.kill('SIGKILL')
    expect(await untilFree(session)).toBe('effect.uncertain')
    const [effect] = await session.uncertain()
    if (!effect) throw new Error('no effect is uncertain')
    // A process that waits for a resolution does not own the thread.
    const other = (await open()).user('ada').session(payer.agent, { threadId: 't' })
    const result = await other.resolve(effect, { happened: true, output: 'paid by the child' })
    expect(result).toMatchObject({ text: 'paid by the child' })
    expect((await (opened[0] as Troupe).user('ada').orchestra.thread('t')).messages).toHaveLength(2)
  })

  test('A process that was suspended longer than its lease records no effect of its step.', async () => {
    const { child, output } = await begin('effect')
    child.kill('SIGSTOP')
    const session = (await open('2s')).user('ada').session(gatedPayer('here').agent, { threadId: 't' })
    expect(await untilFree(session)).toBe('effect.uncertain')
    child.kill('SIGCONT')
    child.stdin?.write('\n')
    await expect.poll(() => output).toEqual(['working', 'journal.lost'])
    expect(await session.uncertain()).toMatchObject([{ name: 'pay' }])
  })

  test('A process that was suspended longer than its lease does not end its step.', async () => {
    const { child, output } = await begin('code')
    child.kill('SIGSTOP')
    const [begun, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const run = () => {
      begun.resolve()
      return answer.promise
    }
    const ada = (await open('2s')).user('ada')
    const session = ada.session(defineAgent<string>({ name: 'Payer', run }), { threadId: 't' })
    const resumed = untilFree(session)
    await begun.promise
    child.kill('SIGCONT')
    child.stdin?.write('\n')
    await expect.poll(() => output).toEqual(['working', 'journal.lost'])
    answer.resolve('answered here')
    expect(await resumed).toBe('answered here')
    const { messages } = await ada.orchestra.thread('t')
    expect(messages.map(({ text }) => text)).toEqual(['Pay.', 'answered here', 'And?', 'answered here'])
  })

  test('A session continues at once after the process that executed its step has closed.', async () => {
    const begun = Promise.withResolvers<void>()
    const run = () => {
      begun.resolve()
      return new Promise<string>(() => {})
    }
    const here = await open()
    const cut = codeOf(
      here
        .user('ada')
        .session(defineAgent<string>({ name: 'Payer', run }), { threadId: 't' })
        .chat('First.'),
    )
    await begun.promise
    const there = (await open()).user('ada')
    const session = there.session(defineAgent<string>({ name: 'Payer', run: async (text) => `${text}!` }), {
      threadId: 't',
    })
    await expect(session.chat('Second.')).rejects.toMatchObject(busy)
    await here.close()
    expect(await cut).toBe('troupe.closed')
    expect(await session.chat('Second.')).toBe('Second.!')
    const { messages } = await there.orchestra.thread('t')
    expect(messages.map(({ text }) => text)).toEqual(['First.', 'First.!', 'Second.', 'Second.!'])
  })

  test('A question of a session is answered in another process, which alone continues the step.', async () => {
    const done: string[] = []
    const asker = (where: string) =>
      defineAgent<string>({
        name: 'Asker',
        run: async (_, ctx) => {
          const answers: string[] = []
          for (const text of ['First?', 'Second?']) {
            const answer = await ctx.ask({ text })
            answers.push(
              String(
                await ctx.effect(`note ${text}`, { class: 'at-most-once' }, () => {
                  done.push(`${where}: ${answer}`)
                  return answer
                }),
              ),
            )
          }
          return answers.join()
        },
      })
    const one = (await open()).user('ada').session(asker('one'), { threadId: 't' })
    const two = (await open()).user('ada').session(asker('two'), { threadId: 't' })
    const first = await one.generate('Ask.')
    expect(first.status).toBe('waiting')
    const second = await two.answer(first.questions?.[0]?.id ?? '', 'red')
    expect(second).toMatchObject({ status: 'waiting', questions: [{ text: 'Second?' }] })
    // The process that asked first has an old continuation of the step in memory.
    expect(await one.answer(second.questions?.[0]?.id ?? '', 'blue')).toMatchObject({ text: 'red,blue' })
    expect(done).toEqual(['two: red', 'one: blue'])
    expect(await one.uncertain()).toEqual([])
  })

  test('An answer from another process is rejected as busy while the step works, and accepted when it waits.', async () => {
    const payer = gatedPayer('one')
    const agent = (pay: () => Promise<string>) =>
      defineAgent<string>({
        name: 'Asker',
        run: async (_, ctx) =>
          (await Promise.all([ctx.ask({ text: 'Which?' }), ctx.effect('pay', { class: 'at-most-once' }, pay)])).join(),
      })
    const one = (await open()).user('ada').session(agent(payer.pay), { threadId: 't' })
    const two = (await open()).user('ada').session(agent(payer.pay), { threadId: 't' })
    const asking = one.generate('Ask.')
    await payer.begun
    await expect.poll(async () => (await two.questions()).length).toBe(1)
    const [question] = await two.questions()
    await expect(two.answer(question?.id ?? '', 'red')).rejects.toMatchObject(busy)
    payer.release()
    expect(await asking).toMatchObject({ status: 'waiting' })
    expect(await two.answer(question?.id ?? '', 'red')).toMatchObject({ text: 'red,paid by one' })
  })

  test('An answer from another process is accepted if the step begins to wait within a second.', async () => {
    const payer = gatedPayer('one')
    const agent = defineAgent<string>({
      name: 'Asker',
      run: async (_, ctx) =>
        (
          await Promise.all([ctx.ask({ text: 'Which?' }), ctx.effect('pay', { class: 'at-most-once' }, payer.pay)])
        ).join(),
    })
    const one = (await open()).user('ada').session(agent, { threadId: 't' })
    const two = (await open()).user('ada').session(agent, { threadId: 't' })
    const asking = one.generate('Ask.')
    await payer.begun
    await expect.poll(async () => (await two.questions()).length).toBe(1)
    const [question] = await two.questions()
    const answered = two.answer(question?.id ?? '', 'red')
    setTimeout(payer.release, 200)
    expect(await answered).toMatchObject({ text: 'red,paid by one' })
    expect(await asking).toMatchObject({ status: 'waiting' })
  })

  test('Sessions of two processes answer one of two simultaneous first calls, and the other is busy or answered later.', async () => {
    const agent = defineAgent<string>({ name: 'Echo', run: async (text) => text })
    const users = [(await open()).user('ada'), (await open()).user('ada')]
    for (let i = 0; i < 20; i++) {
      const calls = users.map((user) => user.session(agent, { threadId: `t${i}` }).chat('Hi.'))
      const ends = await Promise.all(calls.map(codeOf))
      expect(ends).toContain('Hi.')
      expect(ends.filter((end) => end !== 'Hi.' && end !== 'thread.busy')).toEqual([])
    }
  })

  test('A call that waited for the step of another call is answered or busy when a third call begins first.', async () => {
    const agent = defineAgent<string>({
      name: 'Echo',
      run: (text) => new Promise<string>((resolve) => setTimeout(resolve, 20, text)),
    })
    const ada = (await open()).user('ada')
    const calls = Array.from({ length: 20 }, (_, i) => ada.session(agent, { threadId: 't' }).chat(`call ${i}`))
    const ends = await Promise.all(calls.map(codeOf))
    expect(ends.filter((end, i) => end !== `call ${i}` && end !== 'thread.busy')).toEqual([])
  })

  test('A step that is parked in several processes continues with the default when its question times out.', async () => {
    const run = async (_: string, ctx: Parameters<NonNullable<Parameters<typeof defineAgent>[0]['run']>>[1]) =>
      ctx.ask({ text: 'Which?', timeout: '1s', default: 'none' })
    const asker = defineAgent<string>({ name: 'Asker', run })
    const one = (await open()).user('ada').session(asker, { threadId: 't' })
    const two = (await open()).user('ada').session(asker, { threadId: 't' })
    expect(await one.generate('Ask.')).toMatchObject({ status: 'waiting' })
    await expect(two.generate('Ask.')).rejects.toMatchObject({ code: 'session.waiting' })
    await expect.poll(() => two.questions()).toEqual([])
    expect(await two.generate('Ask.')).toMatchObject({ status: 'waiting' })
  })

  test('A session cancels the step that another process executes, which records the effect in progress first.', async () => {
    const { child, output } = await begin('effect')
    const ada = (await open()).user('ada')
    const session = ada.session(gatedPayer('here').agent, { threadId: 't' })
    const cancelled = session.cancel()
    setTimeout(() => child.stdin?.write('\n'), 500)
    expect(await cancelled).toBe(true)
    await expect.poll(() => output).toEqual(['working', 'cancelled'])
    expect(await session.uncertain()).toEqual([])
    expect((await ada.orchestra.thread('t')).messages).toMatchObject([{ text: 'Pay.' }])
  })

  test('A cancel aborts the code of a step in another process, which cleans up.', async () => {
    const [begun, cleaned] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()]
    const run = (_: string, ctx: Parameters<NonNullable<Parameters<typeof defineAgent>[0]['run']>>[1]) =>
      new Promise<string>((_resolve, reject) => {
        ctx.signal.addEventListener('abort', () => {
          cleaned.resolve((ctx.signal.reason as { code: string }).code)
          reject(ctx.signal.reason)
        })
        begun.resolve()
      })
    const agent = defineAgent<string>({ name: 'Payer', run })
    const one = (await open()).user('ada').session(agent, { threadId: 't' })
    const two = (await open()).user('ada')
    const end = codeOf(one.chat('Pay.'))
    await begun.promise
    expect(await two.approvals.cancel('session:t/Payer')).toBe(true)
    expect([await cleaned.promise, await end]).toEqual(['cancelled', 'cancelled'])
    const answerer = defineAgent<string>({ name: 'Payer', run: async (text) => `${text}!` })
    expect(await two.session(answerer, { threadId: 't' }).chat('And?')).toBe('And?!')
  })

  test('A session cancels the step of a suspended process, with its effect uncertain.', async () => {
    const { child, output } = await begin('effect')
    child.kill('SIGSTOP')
    const session = (await open('2s')).user('ada').session(gatedPayer('here').agent, { threadId: 't' })
    expect(await session.cancel()).toBe(true)
    expect(await session.uncertain()).toMatchObject([{ name: 'pay' }])
    child.kill('SIGCONT')
    child.stdin?.write('\n')
    await expect.poll(() => output).toEqual(['working', 'journal.lost'])
    expect(await session.uncertain()).toMatchObject([{ name: 'pay' }])
  })
})
