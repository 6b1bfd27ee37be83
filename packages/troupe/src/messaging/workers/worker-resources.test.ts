import { describe, expect, it } from 'vitest'
import { messagingTestbeds } from '../open-testbeds.test.fixture.ts'
import { Worker } from './worker.ts'

const { testbed } = messagingTestbeds()
class Holding extends Worker {
  readonly log: string[] = []
  readonly wrong = new Set<string>()
  readonly resources = ['files', 'pool'].map((name) =>
    this.use({ start: () => this.did(`start ${name}`), stop: () => this.did(`stop ${name}`) }),
  )
  did(what: string) {
    this.log.push(what)
    if (this.wrong.has(what)) throw new Error(what)
  }
  override onStart() {
    this.did('onStart')
  }
  override onStop() {
    this.did('onStop')
  }
}

describe('what a worker uses', () => {
  it('is started before it in order, and stopped after it in the reverse order', async () => {
    const { start } = await testbed()
    const worker = new Holding('W')
    const running = await start(worker)
    await running.stop()
    expect(worker.log).toEqual(['start files', 'start pool', 'onStart', 'onStop', 'stop pool', 'stop files'])
  })
  it('is released when one of it does not start, and the worker can be started again', async () => {
    const { start, presence } = await testbed()
    const worker = new Holding('W')
    worker.wrong.add('start pool')
    await expect(start(worker)).rejects.toThrow('start pool')
    expect(worker.log).toEqual(['start files', 'start pool', 'stop files'])
    expect(await presence.namesOf('ada')).toEqual([])
    worker.wrong.clear()
    await (await start(worker)).stop()
    expect(worker.log.slice(3)).toHaveLength(6)
  })
  it('is released when the worker itself does not start', async () => {
    const { start } = await testbed()
    const worker = new Holding('W')
    worker.wrong.add('onStart')
    await expect(start(worker)).rejects.toThrow('onStart')
    expect(worker.log).toEqual(['start files', 'start pool', 'onStart', 'stop pool', 'stop files'])
  })
  it('is released, and onStop called, when the worker can not be announced', async () => {
    const { start, presence } = await testbed()
    const worker = new Holding('W')
    presence.join = () => Promise.reject(new Error('no storage'))
    await expect(start(worker)).rejects.toThrow('no storage')
    expect(worker.log.slice(2)).toEqual(['onStart', 'onStop', 'stop pool', 'stop files'])
  })
  it('is released wholly although one of it, or onStop, fails', async () => {
    const { start } = await testbed()
    const worker = new Holding('W')
    const running = await start(worker)
    worker.wrong.add('onStop').add('stop pool')
    await expect(running.stop()).rejects.toThrow('stop pool')
    expect(worker.log.slice(3)).toEqual(['onStop', 'stop pool', 'stop files'])
  })
  it('can be started or stopped at least', () => {
    expect(() => new Worker('W').use({})).toThrow(/start\(\)/)
  })
})

it('a machine of a worker tells its transitions as events', async () => {
  const { start, events } = await testbed()
  class Stateful extends Worker {
    readonly work = this.machine({ initial: 'idle', transitions: { idle: ['busy'], busy: ['idle'] } })
  }
  const worker = new Stateful('W')
  await start(worker)
  worker.work.transition('busy')
  expect(() => worker.work.transition('busy')).toThrow(/no transition/)
  const changes = events.filter(({ type }) => type === 'worker.changed')
  expect(changes).toMatchObject([{ agent: 'W', userId: 'ada', from: 'idle', to: 'busy' }])
})
