/** On a signal the troupe accepts no new work, lets work in progress finish, and closes; then the process ends. */
import { createTroupe, defineAgent, handleSignals } from 'troupe'

const slow = defineAgent({
  name: 'Slow',
  run: (input) => new Promise<string>((done) => setTimeout(() => done(`did ${input}`), 100)),
})

export async function main() {
  const troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const { promise: ended, resolve: exit } = Promise.withResolvers<number>()
  // By default `exit` ends the process.
  handleSignals(troupe, { timeout: '25s', exit })
  const ada = troupe.user('ada')
  const active = ada.session(slow).generate('the first')
  setTimeout(() => process.emit('SIGTERM'), 20)
  await new Promise((resolve) => setTimeout(resolve, 40))
  const late = await ada
    .session(slow)
    .generate('too late')
    .catch(({ code, retryable }) => ({ code, retryable }))
  return { first: (await active).text, late, exitCode: await ended }
}

if (import.meta.main) console.log(await main())
