/** Recovery by kind: what may pass is tried again, what is critical never, and what else helps is said by the run. */
import { type Agent, CriticalError, createTroupe, defineAgent, RecoverableError, type RunConfig } from 'troupe'

const recovering: RunConfig = { onError: { RecoverableError: { retry: { attempts: 3, backoff: '10ms' } } } }

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')

  /** Fails so often, and then answers. */
  const run = async (failures: number, error: Error, config: RunConfig, substitutes: readonly Agent[] = []) => {
    let attempts = 0
    const agent = defineAgent({
      name: 'Fetcher',
      run: async () => {
        if (++attempts <= failures) throw error
        return 'fetched'
      },
    })
    const flows = ['Start -> Fetcher', 'Fetcher -> End', ...substitutes.map(({ name }) => `${name} -> End`)]
    const topology = { agents: [agent, ...substitutes], flows }
    const result = await orchestra.run({ task: null, topology, config })
    return { attempts, outcome: result.success ? result.response : result.error?.name }
  }
  const substitute = defineAgent({ name: 'Substitute', run: async () => 'from the archive' })
  const busy = new RecoverableError('The service is busy.')
  return {
    recovered: await run(2, busy, recovering),
    exhausted: await run(9, busy, recovering),
    critical: await run(9, new CriticalError('The key is revoked.'), {
      onError: { '*': { retry: { attempts: 3, backoff: '10ms' } } },
    }),
    completeRun: await run(2, busy, { retry: { attempts: 3, backoff: '10ms' } }),
    rerouted: await run(9, busy, { onError: { RecoverableError: { agent: substitute } } }, [substitute]),
    fallback: await run(9, busy, { onError: { '*': { value: 'from the cache' } } }),
  }
}

if (import.meta.main) console.log(await main())
