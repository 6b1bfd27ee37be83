/**
 * A proxy in front of PostgreSQL that knows where messages of the protocol (version 3) begin and end, and breaks the
 * connection at one of them: cut, or silent from there on with both ends still open.
 *
 * Invariant: what has passed before the fault has passed whole.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Message {
  /** Of all that passed, from 1. */
  readonly index: number
  readonly connection: number
  /** `out` to the server, `in` from it. */
  readonly direction: 'out' | 'in'
  /** One letter; `startup` for the first of a connection. */
  readonly type: string
  /** The tag of a completed query, or the state in which the server is ready: `I` outside a transaction. */
  readonly text: string
}

export interface Fault {
  readonly at: (message: Message) => boolean
  /** Whether that message still passes. */
  readonly when: 'before' | 'after'
  /** `silence all`: also on all other connections there are at that moment. `hold`: nothing more goes to the server. */
  readonly how: 'cut' | 'stall' | 'stall all' | 'hold'
}

export const describeMessage = ({ index, connection, direction, type, text }: Message): string =>
  `message ${index} (${direction} ${type}${text ? ` ${JSON.stringify(text.slice(0, 40))}` : ''} of connection ${connection})`

/** The text of a query is that of its first line; of a statement, what follows its name. */
function textOf(direction: Message['direction'], type: string, bytes: Buffer): string {
  const texts = () => bytes.toString('utf8', 5).split('\0')
  if (direction === 'out' && type === 'Q') return texts()[0] ?? ''
  if (direction === 'out' && type === 'P') return texts()[1] ?? ''
  if (direction === 'in' && type === 'Z') return bytes.toString('utf8', 5)
  return direction === 'in' && type === 'C' ? (texts()[0] ?? '') : ''
}

/** Cuts a stream into messages. Only the first one to the server has no letter. */
class Splitter {
  #rest: Buffer = Buffer.alloc(0)
  #first: boolean
  constructor(beginsWithStartup: boolean) {
    this.#first = beginsWithStartup
  }
  *split(chunk: Buffer): Generator<{ readonly type: string; readonly bytes: Buffer }> {
    this.#rest = Buffer.concat([this.#rest, chunk])
    for (;;) {
      const letter = this.#first ? 0 : 1
      if (this.#rest.length < letter + 4) return
      const length = letter + this.#rest.readInt32BE(letter)
      if (this.#rest.length < length) return
      const bytes = this.#rest.subarray(0, length)
      this.#rest = this.#rest.subarray(length)
      yield { type: this.#first ? 'startup' : String.fromCharCode(bytes[0] as number), bytes }
      this.#first = false
    }
  }
}

interface Line {
  readonly client: Socket
  readonly server: Socket
  silent: boolean
  held: boolean
}

export class FaultProxy {
  readonly messages: Message[] = []
  /** The message at which it happened. */
  reached: Message | undefined
  readonly #target: { readonly host: string; readonly port: number }
  readonly #fault: Fault | undefined
  readonly #server: Server
  readonly #lines = new Set<Line>()
  #connections = 0

  private constructor(target: string, fault: Fault | undefined) {
    const { hostname, port } = new URL(target)
    this.#target = { host: hostname, port: Number(port || 5432) }
    this.#fault = fault
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#join(client))
  }

  /**
   * @param target URL of the server
   * @param port any that is free by default
   */
  static async open(target: string, fault?: Fault, port = 0): Promise<FaultProxy> {
    const proxy = new FaultProxy(target, fault)
    proxy.#server.listen(port, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** By which the server knows its connections. */
  serverPorts(): readonly number[] {
    return [...this.#lines].flatMap(({ server }) => server.localPort ?? [])
  }

  async close(): Promise<void> {
    for (const { client, server } of this.#lines) {
      client.destroy()
      server.destroy()
    }
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    const line: Line = { client, server: connect({ ...this.#target, allowHalfOpen: true }), silent: false, held: false }
    this.#lines.add(line)
    const connection = ++this.#connections
    for (const [direction, from, to] of [
      ['out', client, line.server],
      ['in', line.server, client],
    ] as const) {
      const splitter = new Splitter(direction === 'out')
      from.setNoDelay(true)
      from.on('data', (chunk: Buffer) => {
        for (const { type, bytes } of splitter.split(chunk)) {
          if (line.silent || (line.held && direction === 'out')) return
          const text = textOf(direction, type, bytes)
          const message = { index: this.messages.length + 1, connection, direction, type, text }
          this.messages.push(message)
          const strikes = this.reached === undefined && this.#fault?.at(message) === true
          if (!strikes || this.#fault?.when === 'after') to.write(bytes)
          if (strikes) this.#strike(message, line, from, to)
        }
      })
      // Who is silent does not hear that the other one is gone.
      from.on('end', () => line.silent || to.end())
      from.on('close', () => {
        if (!line.silent) to.end()
      })
      from.on('error', () => {})
    }
  }

  #strike(message: Message, line: Line, from: Socket, to: Socket): void {
    this.reached = message
    const { how } = this.#fault as Fault
    if (how === 'cut') {
      // What was passed on still arrives.
      to.end()
      from.destroy()
    } else if (how === 'stall') line.silent = true
    else if (how === 'hold') line.held = true
    else for (const each of this.#lines) each.silent = true
  }
}
