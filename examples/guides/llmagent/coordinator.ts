/** A coordinator: has a project researched, then the findings analysed, then a report written; what fails is named. */
import {
  type Agent,
  createTroupe,
  defineAgent,
  defineKey,
  finish,
  invoke,
  LlmAgent,
  type Orchestra,
  patterns,
} from 'troupe'
import { MockModel } from 'troupe/testing'
import { z } from 'zod'

const DoneKey = defineKey('projects.{run}', z.object({ project: z.string(), done: z.record(z.string(), z.string()) }))

interface Answer {
  readonly results: readonly { readonly value: string }[]
}

export class Coordinator {
  readonly #phases: { readonly name: string; readonly agent: Agent }[] = []

  /** Any agent: it is given the project, and under their names what the phases before it have brought. */
  addPhase(name: string, agent: Agent): this {
    this.#phases.push({ name, agent })
    return this
  }

  async executeProject(orchestra: Orchestra, project: string) {
    const topology = patterns.hubAndSpoke({ hub: this.#hub(), spokes: this.#phases.map(({ agent }) => agent) })
    const { success, response, error } = await orchestra.run({ task: project, topology })
    return success ? { status: 'success', ...(response as object) } : { status: 'error', error: error?.message }
  }

  /** Run first with the project, then with each phase's answer; what it knows is in the shared context. */
  #hub(): Agent {
    return defineAgent({
      name: 'Coordinator',
      run: async (input: string | Answer, ctx) => {
        const key = DoneKey({ run: ctx.runId ?? '' })
        const { project, done } = (await ctx.context.get(key)) ?? { project: String(input), done: {} }
        const phase = () => this.#phases[Object.keys(done).length]
        const answered = phase()
        if (typeof input !== 'string' && answered) done[answered.name] = input.results[0]?.value ?? ''
        await ctx.context.push(key, { project, done }, { audience: 'owner' })
        const next = phase()
        return next ? invoke([{ agent: next.agent, input: { project, ...done } }]) : finish(done)
      },
    })
  }
}

export async function main() {
  await using troupe = await createTroupe({ storage: 'memory:' })
  const { orchestra } = troupe.user('ada')
  const agent = (name: string, instructions: string, response: string) =>
    new LlmAgent({ name, instructions, model: new MockModel({ responses: [response] }) })
  const coordinator = new Coordinator()
    .addPhase('research_data', agent('Researcher', 'You find facts.', 'Tea sells in winter.'))
    .addPhase('analysis_results', agent('Analyzer', 'You weigh facts.', 'Stock it in autumn.'))
    .addPhase('final_report', agent('Writer', 'You write reports.', 'Buy tea in September.'))
  const broken = new Coordinator().addPhase(
    'research_data',
    defineAgent({ name: 'Researcher', run: () => Promise.reject(new Error('the library is closed')) }),
  )
  return [
    await coordinator.executeProject(orchestra, 'When do we buy tea?'),
    await broken.executeProject(orchestra, 'When do we buy tea?'),
  ]
}

if (import.meta.main) console.log(await main())
