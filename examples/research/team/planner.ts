/** Takes the question apart. */
import { LlmAgent } from 'troupe'
import type { TeamModel } from './model-of.ts'
import { SubQuestions } from './shapes.ts'

export const createPlanner = (model: TeamModel) =>
  new LlmAgent({
    name: 'Planner',
    description: 'Breaks a question down into the sub-questions that it is made of.',
    instructions:
      'Break the question down into the sub-questions that it is made of, each of which can be looked up by itself. ' +
      'Keep the words of the question. One sub-question is enough where the question asks for one thing only.',
    model,
    output: SubQuestions,
  })
