import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Agent, createTroupe, defineAgent, finish, type Troupe, TroupeError } from '../../index.ts'

const open: Troupe[] = []
afterEach(async () => {
  for (const troupe of open.splice(0)) await troupe.close()
})
async function user() {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  open.push(troupe)
  return troupe.user('ada')
}
const topologyOf = (agent: Agent) => ({ agents: [agent], flows: ['Start -> A', 'A -> End', 'A -> User', 'User -> A'] })

it('Run.result resolves for a failed run, and Run.output rejects with its error.', async () => {
  const ada = await user()
  const fails = defineAgent({
    name: 'A',
    run: (task) => {
      if (task === 'fail') throw new Error('no')
      return 'yes'
    },
  })
  const failed = await ada.orchestra.start({ task: 'fail', topology: topologyOf(fails) })
  expect(await failed.result()).toMatchObject({ status: 'failed', success: false, error: { message: 'no' } })
  await expect(failed.output()).rejects.toMatchObject({ message: 'no' })
  const completed = await ada.orchestra.start({ task: 'work', topology: topologyOf(fails) })
  expect(await completed.output()).toBe('yes')
})

it('A result names its run, which answers the questions of the result.', async () => {
  const { orchestra } = await user()
  const asks = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: 'Well?' })) })
  const { status, runId, questions } = await orchestra.run({ task: 1, topology: topologyOf(asks) })
  expect(status).toBe('waiting')
  const run = await orchestra.get(runId)
  await run.answer(questions[0]?.id ?? '', 'yes')
  expect(await run.result()).toMatchObject({ runId, status: 'completed', response: 'yes' })
})

it('A run rejects its output where it is cancelled, and waits for it while it waits for a person.', async () => {
  const ada = await user()
  const asks = defineAgent({ name: 'A', run: async (_, ctx) => finish(await ctx.ask({ text: 'Well?' })) })
  const [answered, cancelled] = await Promise.all(
    [1, 2].map((task) => ada.orchestra.start({ task, topology: topologyOf(asks) })),
  )
  const question = (await answered?.result())?.questions[0]?.id ?? ''
  const output = answered?.output()
  await answered?.answer(question, 'fine')
  expect(await output).toBe('fine')
  await cancelled?.cancel()
  await expect(cancelled?.output()).rejects.toMatchObject({ name: 'CancelledError' })
})

it('A run whose retries are used up ends with MaxRetriesExceededError, whose cause is the last error, also after a restart.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-retries-'))
  try {
    const storage = `sqlite:${join(folder, 'retries.db')}`
    let attempts = 0
    const fails = defineAgent({
      name: 'A',
      run: () => {
        throw new TroupeError(`no luck ${++attempts}`, { code: 'shop.closed' })
      },
    })
    const before = await createTroupe({ storage, log: 'silent' })
    const config = { retry: { attempts: 2, backoff: '1ms' } } as const
    const { id } = await before.user('ada').orchestra.start({ task: 't', topology: topologyOf(fails), config })
    const expected = { name: 'MaxRetriesExceededError', cause: { message: 'no luck 2', code: 'shop.closed' } }
    await expect((await before.user('ada').orchestra.get(id)).output()).rejects.toMatchObject(expected)
    await before.close()
    const after = await createTroupe({ storage, log: 'silent' })
    open.push(after)
    const run = await after.user('ada').orchestra.get(id)
    const error = await run.output().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject(expected)
    expect(error).toBeInstanceOf(TroupeError)
    expect((error as Error).cause).toBeInstanceOf(TroupeError)
    await after.close()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

it('A run continues when the signal of result or output aborts, and the error says so.', async () => {
  const ada = await user()
  const end = Promise.withResolvers<string>()
  const waits = defineAgent({ name: 'A', run: () => end.promise })
  const run = await ada.orchestra.start({ task: 'work', topology: topologyOf(waits) })
  for (const wait of ['result', 'output'] as const)
    await expect(run[wait]({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({
      name: 'CancelledError',
      code: 'cancelled',
      message: expect.stringContaining(`Waiting for the run ${run.id}, which continues, was cancelled.`),
    })
  end.resolve('done')
  expect(await run.output()).toBe('done')
})

it('Orchestra.run cancels the run when its signal aborts, and the error says so.', async () => {
  const ada = await user()
  const waits = defineAgent({
    name: 'A',
    run: (_, { signal }) =>
      new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  })
  const spec = { id: 'slow', task: 'work', topology: topologyOf(waits), signal: AbortSignal.timeout(20) }
  await expect(ada.orchestra.run(spec)).rejects.toMatchObject({
    code: 'cancelled',
    message: expect.stringContaining('The run slow was cancelled.'),
  })
  expect(await (await ada.orchestra.get('slow')).result()).toMatchObject({ status: 'cancelled' })
})
