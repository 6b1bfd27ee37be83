/** Writes one section from its findings, and puts it right when the Reviewer sends it back. */
import { LlmAgent } from 'troupe'
import type { TeamModel } from './model-of.ts'
import { Claims } from './shapes.ts'

const instructions = `You write one section of a report: claims that answer what is asked, the most important first,
each in one sentence, each with the passage that bears it out. Use the findings that you are given and nothing else.
Copy quotations, files and lines exactly. Say nothing twice. Where remarks name a citation as wrong, put it right from
the findings, or leave the claim out.`

export const createWriter = (model: TeamModel) =>
  new LlmAgent({
    name: 'Writer',
    description: 'Writes one section of the report from its findings.',
    instructions,
    model,
    output: Claims,
  })
