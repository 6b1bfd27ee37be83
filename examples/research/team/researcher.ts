/** Looks one part of the question up. Its branches work at once; each shares what it found with the team. */
import { LlmAgent, type LlmAgentOptions } from 'troupe'
import { readDocument, searchDocuments } from 'troupe/documents'
import type { SearchIndex } from '../documents/index.ts'
import type { TeamModel } from './model-of.ts'
import { type Findings, Research } from './shapes.ts'
import { FindingsKey, type ProjectOf } from './shared.ts'

const instructions = `You look things up in documents. Search with search_documents, and read on with read_document
where a passage breaks off. Answer from what these tools give, never from memory. Every finding quotes its passage word
for word and names the file and the line in which the quotation starts. Leave out what does not help; say in not_found
what the documents do not tell.`

export interface Assignment {
  readonly number: number
  readonly question: string
}

/** Its findings go into the shared context in the turn that ends the step: with it, or not at all. */
export class Researcher extends LlmAgent {
  readonly #projectOf: ProjectOf

  constructor(options: LlmAgentOptions, projectOf: ProjectOf) {
    super(options)
    this.#projectOf = projectOf
  }

  override async step(entry: Parameters<LlmAgent['step']>[0]) {
    const outcome = await super.step(entry)
    if ('value' in outcome) {
      const { number, question } = entry.input as unknown as Assignment
      const { findings, not_found } = Research.parse(outcome.value)
      const shared: Findings = { number, question, findings, not_found }
      const key = FindingsKey({ ...this.#projectOf(entry.ctx), number })
      await entry.ctx.context.push(key, shared, { subscribers: ['Coordinator', 'Analyst'] })
    }
    return outcome
  }
}

export const createResearcher = (model: TeamModel, index: SearchIndex, projectOf: ProjectOf) =>
  new Researcher(
    {
      name: 'Researcher',
      description: 'Finds passages of the documents that answer one part of the question.',
      instructions,
      model,
      tools: [searchDocuments(index), readDocument(index)],
      output: Research,
    },
    projectOf,
  )
