/** Groups, ranks and cross-checks what the researchers have shared. */
import { defineAgent } from 'troupe'
import { z } from 'zod'
import { analyse } from '../analysis/analyse.ts'
import { Analysis, type Findings } from './shapes.ts'
import { AnalysisKey, FindingsKey, type ProjectOf } from './shared.ts'

export const createAnalyst = (projectOf: ProjectOf) =>
  defineAgent({
    name: 'Analyst',
    description: 'Groups and ranks the findings, and names contradictions and gaps.',
    inputSchema: z.object({ sub_questions: z.array(z.string()) }),
    outputSchema: Analysis,
    async run({ sub_questions }, ctx) {
      const project = projectOf(ctx)
      const research: Findings[] = []
      for (const [i, question] of sub_questions.entries()) {
        const shared = await ctx.context.get(FindingsKey({ ...project, number: i + 1 }))
        research.push(shared ?? { number: i + 1, question, findings: [], not_found: [] })
      }
      const analysis = analyse(research)
      await ctx.context.push(AnalysisKey(project), analysis, { subscribers: ['Coordinator', 'Reviewer'] })
      return analysis
    },
  })
