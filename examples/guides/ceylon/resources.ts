/** What an agent opens is closed, last first: when it stops, when the troupe closes, and when its start fails half-way. */
import { createTroupe, Worker } from 'troupe'

type Open = (name: string) => AsyncDisposable

class ResourceAwareAgent extends Worker {
  readonly #open: Open
  #resources = new AsyncDisposableStack()

  constructor(open: Open) {
    super('ResourceAwareAgent')
    this.#open = open
  }

  override onStart() {
    return this.#initialize(['files', 'index'])
  }
  override onStop() {
    return this.#resources.disposeAsync()
  }

  /** Where one cannot be opened, leaving the block closes those that were. */
  async #initialize(names: readonly string[]) {
    await using opened = new AsyncDisposableStack()
    for (const name of names) opened.use(this.#open(name))
    this.#resources = opened.move()
  }
}

export async function main() {
  const log: string[] = []
  const open = (broken?: string) => (name: string) => {
    if (name === broken) throw new Error(`no ${name}`)
    log.push(`open ${name}`)
    return {
      async [Symbol.asyncDispose]() {
        log.push(`close ${name}`)
      },
    }
  }
  await using troupe = await createTroupe({ storage: 'memory:' })
  const ada = troupe.user('ada')
  {
    await using _running = await ada.start(new ResourceAwareAgent(open()))
    log.push('work')
  }
  await ada.start(new ResourceAwareAgent(open('index'))).catch(({ message }) => log.push(message))
  return log
}

if (import.meta.main) console.log(await main())
