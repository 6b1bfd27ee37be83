/** Senders and consumers of one mailbox: nothing accepted is lost, nothing acknowledged comes again, lanes keep order. */
import type { Anomaly, DeliveryRecord, Simulation } from '../../src/testing/index.ts'
import { harness } from '../reliability/library-under-test.ts'
import { troupe } from '../reliability/troupe-under-test.ts'
import { ask, insist, type Part, type Server } from './simulated-client.ts'

interface Note {
  readonly sender: string
  readonly priority: 'urgent' | 'normal' | 'low'
  readonly sequence: number
}
const Note = troupe.defineMessage<Note>('note')
const Poison = troupe.defineMessage<{ readonly n: number }>('poison')
const priorities = ['urgent', 'normal', 'low'] as const
const poisonAttempts = 6
/** Of a delivery, as the server is told; by a clock that no jump of the wall moves. */
const leaseMs = 5_000

export function mailboxClients(simulation: Simulation, server: Server, jumping: boolean): Part {
  const { random } = simulation
  const sent: string[] = []
  const delivered: DeliveryRecord[] = []
  const [ids, finished] = [new Map<string, Set<string>>(), new Set<string>()]
  const poisoned: number[] = []
  const anomalies: Anomaly[] = []
  /** Who has a message in hand, until when. */
  const leases = new Map<string, { readonly consumer: number; readonly until: number }>()
  let [sending, over, consumers] = [2, false, 0]

  const sender = async (name: string) => {
    const next = { urgent: 0, normal: 0, low: 0 }
    for (let i = 0; i < 10; i++) {
      const priority = priorities[Math.floor(random.next() * 3)] as Note['priority']
      const note: Note = { sender: name, priority, sequence: next[priority]++ }
      const id = `${name}.${priority}.${note.sequence}`
      // With one dedupe id it may be sent until it is accepted.
      await insist(simulation, server, (service) =>
        service.user('ada').agent(name).messages.send(Note, note, { to: 'Box', priority, dedupeId: id }),
      )
      sent.push(id)
      if (random.next() < 0.3) await simulation.sleep(50 * random.next())
    }
    if (name === 'S1')
      await insist(simulation, server, (service) =>
        service.user('ada').agent('Poisoner').messages.send(Poison, { n: 1 }, { to: 'Box', dedupeId: 'poison' }),
      )
    sending--
  }

  const seen = (id: string, note: Note, attempt: number) => {
    const name = `${note.sender}.${note.priority}.${note.sequence}`
    delivered.push({ mailbox: 'Box', ...note, attempt })
    ids.set(name, (ids.get(name) ?? new Set()).add(id))
    if (finished.has(id)) anomalies.push({ rule: 'at-most-once', message: `${name} came again after its ack` })
  }

  const hold = (id: string, consumer: number, received: number) => {
    const other = leases.get(id)
    const now = simulation.clock.monotonic()
    if (other && other.consumer !== consumer && other.until > now && !jumping)
      anomalies.push({ rule: 'at-most-once', message: `${id} is in the hands of two at once` })
    leases.set(id, { consumer, until: received + leaseMs })
  }

  const nextItem = () =>
    ask(simulation, server, async (service, node) => {
      const consumer = consumers++
      const deliveries = await service.user('ada').agent('Box').mailbox.receive({ max: 3, wait: '2s' })
      // The lease began a little earlier, when it was committed.
      const received = simulation.clock.monotonic() - 20
      for (const { message, attempt, ack, nack } of deliveries.map(bound)) {
        if (message.type === 'poison') {
          poisoned.push(attempt)
          await nack({ reason: 'poison' })
          continue
        }
        seen(message.id, message.payload as unknown as Note, attempt)
        hold(message.id, consumer, received)
        // Some handlers are too slow: their lease runs out, and what they say then does not count.
        if (random.next() < 0.03) await new Promise<void>((resolve) => void node.clock.after(leaseMs + 500, resolve))
        if (random.next() < 0.1) {
          leases.delete(message.id)
          await nack({ delay: '300ms' })
          // Those behind it in its lane have gone back with it.
          break
        }
        leases.delete(message.id)
        await ack()
        if (finished.has(message.id))
          anomalies.push({ rule: 'at-most-once', message: `${message.id} was acknowledged twice` })
        finished.add(message.id)
      }
      return deliveries.length
    })

  const consumer = async () => {
    for (let idle = 0; idle < 6 && !over; ) {
      const answer = await nextItem()
      idle = answer.kind === 'done' && answer.value === 0 && sending === 0 ? idle + 1 : 0
    }
  }

  return {
    run: async () => void (await Promise.all([sender('S1'), sender('S2'), consumer(), consumer()])),
    async judge() {
      for (let empty = 0; empty < 3; ) {
        const answer = await nextItem()
        empty = answer.kind === 'done' && answer.value === 0 ? empty + 1 : 0
      }
      over = true
      for (const [name, different] of ids)
        if (different.size > 1) anomalies.push({ rule: 'duplicate', message: `${name} is ${different.size} messages` })
      const dead = await insist(simulation, server, (service) => service.user('ada').agent('Box').mailbox.deadLetters())
      const names = dead.items.flatMap(({ message }) => {
        const note = message.payload as unknown as Note
        return message.type === 'poison' ? [] : `${note.sender}.${note.priority}.${note.sequence}`
      })
      const found = [...new Set([...ids.keys(), ...names])]
      const rising = poisoned.every((attempt, i) => i === 0 || attempt > (poisoned[i - 1] as number))
      if (!rising || poisoned.length > poisonAttempts || !dead.items.some(({ message }) => message.type === 'poison'))
        anomalies.push({
          rule: 'at-most-once',
          message: `poison came as attempts ${poisoned.join(' ')} and is not dead`,
        })
      return [...anomalies, ...harness.checkFifo(delivered), ...harness.checkAppends({ acknowledged: sent, found })]
    },
  }
}

/** `ack` and `nack` on their own. */
const bound = <D extends { ack(): Promise<void>; nack(options?: object): Promise<void> }>(delivery: D) => ({
  ...delivery,
  ack: () => delivery.ack(),
  nack: (options?: object) => delivery.nack(options),
})
