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

describe('the resources of a worker', () => {
  it('The resources of a worker start before it in order, and stop after it in the reverse order.', async () => {
    const { start } = await testbed()
    const worker = new Holding('W')
    const running = await start(worker)
    await running.stop()
    expect(worker.log).toEqual(['start files', 'start pool', 'onStart', 'onStop', 'stop pool', 'stop files'])
  })
  it('The resources of a worker are released when one of them fails to start, and the worker can start again.', async () => {
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
  it('The resources of a worker are released when the worker itself fails to start.', async () => {
    const { start } = await testbed()
    const worker = new Holding('W')
    worker.wrong.add('onStart')
    await expect(start(worker)).rejects.toThrow('onStart')
    expect(worker.log).toEqual(['start files', 'start pool', 'onStart', 'stop pool', 'stop files'])
  })
  it('The resources of a worker are released, after onStop, when the worker cannot be announced.', async () => {
    const { start, presence } = await testbed()
    const worker = new Holding('W')
    presence.join = () => Promise.reject(new Error('no storage'))
    await expect(start(worker)).rejects.toThrow('no storage')
    expect(worker.log.slice(2)).toEqual(['onStart', 'onStop', 'stop pool', 'stop files'])
  })
  it('The resources of a worker are all released even if one of them, or onStop, fails.', async () => {
    const { start } = await testbed()
    const worker = new Holding('W')
    const running = await start(worker)
    worker.wrong.add('onStop').add('stop pool')
    await expect(running.stop()).rejects.toThrow('stop pool')
    expect(worker.log.slice(3)).toEqual(['onStop', 'stop pool', 'stop files'])
  })
  it('A resource of a worker needs a start or a stop method.', () => {
    expect(() => new Worker('W').use({})).toThrow(/start\(\)/)
  })
})

it('A state machine of a worker emits its transitions as events.', async () => {
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
