import { expect, it } from 'vitest'
import { defineMessage, Worker } from '../../messaging/index.ts'
import { attach } from '../../messaging/workers/worker.ts'
import { on, onConnect } from './index.ts'

const Note = defineMessage<string>('note')

/** What a compiler makes of a decorated method. */
function decorated<This extends Worker>(kind: 'method' | 'getter', isStatic = false) {
  const initializers: ((this: This) => void)[] = []
  const context = {
    kind,
    name: 'take',
    static: isStatic,
    private: false,
    metadata: {},
    access: { has: () => true, get: (object: { take: unknown }) => object.take },
    addInitializer: (run: (this: This) => void) => initializers.push(run),
  } as unknown as ClassMethodDecoratorContext<This>
  return { context, initializers }
}

it('The decorator `@on` registers for each instance when it is made.', () => {
  const { context, initializers } = decorated<Taking>('method')
  class Taking extends Worker {
    constructor(name: string) {
      super(name)
      for (const run of initializers) run.call(this)
    }
    take() {
      return this.name
    }
  }
  on(Note)(Taking.prototype.take, context)
  const clients = { messages: {}, mailbox: {} } as never
  const [one, other] = [new Taking('one')[attach](clients), new Taking('other')[attach](clients)]
  const called = [one, other].map(({ handlers }) => handlers.get('note')?.handler({} as never, {} as never))
  expect(called).toEqual(['one', 'other'])
})
it('The decorator `@on` is valid only on a method of the instance.', () => {
  const method = () => undefined
  expect(() => on(Note)(method, decorated('getter').context)).toThrow(/@on is not valid/)
  expect(() => onConnect('*')(method, decorated('method', true).context)).toThrow(/method of the instance/)
})
it('The decorator `@on` explains a compilation with experimentalDecorators.', () => {
  expect(() => on(Note)(Worker.prototype.onStop, 'take' as never)).toThrow(/without experimentalDecorators/)
})
