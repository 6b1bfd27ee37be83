/**
 * Workers whose process is killed and which are stopped and started meanwhile: each accepted message is handled once and
 * in the order of its sender, or is a dead letter, which a redrive delivers. Requests get their replies, receipts come
 * once, and no effect happens twice.
 */

import type { Mailbox } from '../../src/index.ts'
import type { NodeHandle, Simulation, SimulationScenario } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { insistOn, isTrouble, pause } from './repeating-client.ts'
import { Ask, Item, Order, type Outside, type Plant, startPlant, type Work, workerNames } from './simulated-workers.ts'

type DeadLetter = Awaited<ReturnType<Mailbox['deadLetters']>>['items'][number]
const rounds = 7
const delayMs = 3_000
const ada = ({ troupe: service }: Plant) => service.user('ada')
const readList = async (plant: Plant, key: string) =>
  ((await ada(plant).agent('Ledger').context.get(key)) as readonly string[] | undefined) ?? []

/** @returns the dead letters of the mailboxes */
async function deadLetters(plant: Plant): Promise<readonly DeadLetter[]> {
  const pages = ['Box', 'Archive', 'Ledger', 'Helper', 'Sales'].map((name) =>
    ada(plant).agent(name).mailbox.deadLetters(),
  )
  return (await Promise.all(pages)).flatMap(({ items }) => items)
}

/** @returns what is twice or lacking; the others may be lacking */
function compare(
  what: string,
  { expected, others = [] }: { readonly expected: readonly string[]; readonly others?: readonly string[] },
  found: readonly string[],
): readonly string[] {
  const known = [...expected, ...others]
  const lacking = expected.filter((each) => !found.includes(each))
  const additional = found.filter((each, i) => !known.includes(each) || found.indexOf(each) !== i)
  return [
    ...(lacking.length > 0 ? [`${what} lacks ${lacking.join(', ')}`] : []),
    ...(additional.length > 0 ? [`${what} has twice or by mistake ${additional.join(', ')}`] : []),
  ]
}

/** @returns the lanes of one sender whose messages are not in the order of sending */
function orderProblems(works: readonly Work[], ledger: readonly string[]): readonly string[] {
  const inOrder = works.filter(({ does }) => does !== 'dies' && does !== 'expires')
  const problems: string[] = []
  for (const sender of new Set(inOrder.map((work) => work.sender))) {
    const names = inOrder.filter((work) => work.sender === sender).map(({ name }) => name)
    const found = ledger.filter((name) => names.includes(name))
    if (found.join() !== names.join()) problems.push(`the messages of ${sender} came as ${found.join(', ')}`)
  }
  return problems
}

interface Sent {
  readonly orders: Work[]
  readonly items: Work[]
  readonly delayed: Work[]
  /** The time before which each delayed message must not be handled. */
  readonly due: Map<string, number>
  /** The ids of the messages that want a receipt. */
  readonly receipts: string[]
}

function createOutside(simulation: Simulation): Outside {
  const happened: string[] = []
  const times = new Map<string, number>()
  return {
    happened,
    times,
    cured: new Set(),
    happen(name) {
      happened.push(name)
      times.set(name, simulation.clock.monotonic())
      simulation.operation(true)
    },
  }
}

function startServer(simulation: Simulation, outside: Outside): NodeHandle<Plant> {
  const disk = simulation.disk()
  const bounded = simulation.random.next() < 0.5 ? ({ capacity: { count: 5 }, backpressure: 'wait' } as const) : {}
  const messaging = { lease: '5s', maxAttempts: 50, ...bounded } as const
  return simulation.node<Plant>(
    'server',
    async (node) => {
      const { clock, random } = node
      const options = {
        storage: 'memory:',
        clock,
        random,
        faults: node.faults(disk),
        log: 'silent',
        messaging,
      } as const
      return startPlant(node, await troupe.createTroupe(options), outside)
    },
    { kills: 4, within: 500 },
  )
}

/** Senders that repeat each message until it is accepted. */
function createSenders(simulation: Simulation, server: NodeHandle<Plant>, sent: Sent) {
  const { random } = simulation
  const insist = insistOn(simulation, server)
  const chooseWork = (prefix: 'order' | 'item', sender: string, sequence: number): Work => {
    const chance = random.next()
    const rare = prefix === 'item' && chance > 0.9 ? 'expires' : 'dies'
    const does = chance < 0.6 ? 'succeeds' : chance < 0.8 ? 'fails once' : rare
    return { name: `${prefix} ${sender}.${sequence}`, sender, sequence, does }
  }
  return {
    async orders(sender: string) {
      for (let n = 0; n < rounds; n++) {
        const work = chooseWork('order', sender, n)
        sent.orders.push(work)
        const options = { to: 'Box', dedupeId: work.name, requiresConfirmation: sender === 'Sales' }
        const id = await insist(
          async (plant) => (await ada(plant).agent(sender).messages.send(Order, work, options)).id,
        )
        if (sender === 'Sales') sent.receipts.push(id)
        await simulation.sleep(800 * random.next())
      }
    },
    async items(sender: string) {
      for (let n = 0; n < rounds; n++) {
        const work = chooseWork('item', sender, n)
        sent.items.push(work)
        const ttl = work.does === 'expires' ? ({ ttl: '3s' } as const) : {}
        await insist(async (plant) => {
          await ada(plant)
            .agent(sender)
            .messages.send(Item, work, { to: 'Archive', dedupeId: work.name, ...ttl })
        })
        await simulation.sleep(500 * random.next())
      }
    },
    async delayed() {
      for (let n = 0; n < 4; n++) {
        const work = { name: `delayed ${n}`, sender: `Late${n}`, sequence: n, does: 'succeeds' } as const
        sent.delayed.push(work)
        sent.due.set(work.name, simulation.clock.monotonic() + delayMs)
        const options = { to: 'Box', dedupeId: work.name, delay: `${delayMs}ms` } as const
        await insist(async (plant) => {
          await ada(plant).agent('Late').messages.send(Order, work, options)
        })
        await simulation.sleep(1_000 * random.next())
      }
    },
  }
}

/** Requests, and moves of workers while they work. */
function createCallers(simulation: Simulation, server: NodeHandle<Plant>) {
  const { random } = simulation
  const attempted = (work: Promise<void>, failed: () => unknown) =>
    work.catch(async (error: unknown) => {
      if (!isTrouble(error)) throw error
      await failed()
    })
  let asked = 0
  const ask = async () => {
    const sequence = asked++
    const work = { name: `ask ${sequence}`, sender: 'Client', sequence, does: 'succeeds' } as const
    const reply = await server.call((plant) =>
      ada(plant).agent('Client').messages.request(Ask, work, { to: 'Box', timeout: '60s' }),
    )
    if (reply !== sequence * 2 + 1) throw new Error(`the reply to ${sequence} is ${reply}`)
  }
  return {
    ask,
    async askRepeatedly() {
      for (let n = 0; n < 4; n++) await attempted(ask(), () => pause(simulation))
    },
    async move() {
      for (let n = 0; n < 3; n++) {
        await simulation.sleep(2_000 * random.next())
        const name = workerNames[Math.floor(random.next() * workerNames.length)] as string
        const moved = server.call((plant) => plant.move(name))
        // A worker that was stopped and not started is started by a restart.
        await attempted(moved, () => server.kill())
      }
    },
  }
}

const nameOf = ({ message }: DeadLetter) => (message.payload as unknown as Work).name
const describe = ({ message, reason }: DeadLetter) => `${JSON.stringify(message.payload)} (${reason})`

/** Judges the dead letters, then redrives them. */
async function redriveAll(simulation: Simulation, server: NodeHandle<Plant>, works: readonly Work[], outside: Outside) {
  const insist = insistOn(simulation, server)
  const dying = works.filter(({ does }) => does === 'dies').map(({ name }) => name)
  const dead = await insist(deadLetters)
  const problems = compare('the list of dead letters', { expected: dying }, dead.map(nameOf))
  if (problems.length > 0) throw new Error([...problems, ...dead.map(describe)].join('\n'))
  for (const name of dying) outside.cured.add(name)
  for (const { message } of dead)
    await insist(async (plant) => {
      await ada(plant).agent(message.to).mailbox.redrive(message.id)
    })
}

async function judge(simulation: Simulation, server: NodeHandle<Plant>, sent: Sent, outside: Outside) {
  const insist = insistOn(simulation, server)
  const works = [...sent.orders, ...sent.items, ...sent.delayed]
  const isSure = ({ does }: Work) => does !== 'expires'
  const expected = works.filter(isSure).map(({ name }) => name)
  const others = works.filter((work) => !isSure(work)).map(({ name }) => name)
  const [ledger, receipts] = await insist((plant) =>
    Promise.all([readList(plant, 'ledger'), readList(plant, 'receipts')]),
  )
  const dead = await insist(deadLetters)
  const approvals = await insist(async (plant) => (await ada(plant).approvals.list()).items)
  const early = [...sent.due].filter(([name, time]) => (outside.times.get(name) ?? 0) < time)
  return [
    ...compare('the ledger', { expected, others }, ledger),
    ...compare('the list of receipts', { expected: sent.receipts }, receipts),
    ...orderProblems(sent.orders, ledger),
    ...orderProblems(sent.items, ledger),
    ...harness.checkAtMostOnce(outside.happened).map(({ message }) => message),
    ...dead.map((letter) => `a dead letter is left: ${describe(letter)}`),
    ...early.map(([name]) => `${name} was handled before its delay had passed`),
    ...approvals.map((approval) => `an approval is left: ${JSON.stringify(approval)}`),
  ]
}

const scenario: SimulationScenario = async (simulation) => {
  const outside = createOutside(simulation)
  const server = startServer(simulation, outside)
  const sent: Sent = { orders: [], items: [], delayed: [], due: new Map(), receipts: [] }
  const senders = createSenders(simulation, server, sent)
  const callers = createCallers(simulation, server)
  await Promise.all([
    ...['Sales', 'Shop'].map(senders.orders),
    ...['Shop', 'Ship'].map(senders.items),
    senders.delayed(),
    callers.askRepeatedly(),
    callers.move(),
  ])
  simulation.heal()
  // A full disk is found to have room.
  await simulation.sleep(60_000)
  await callers.ask()
  await simulation.sleep(60_000)
  await redriveAll(simulation, server, [...sent.orders, ...sent.items], outside)
  await simulation.sleep(60_000)
  const problems = await judge(simulation, server, sent, outside)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  await server.call(({ troupe: service }) => service.close())
}
export default scenario
