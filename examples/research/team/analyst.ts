/** Groups, ranks and cross-checks what the researchers have shared. */
import { defineAgent } from 'troupe'
import { z } from 'zod'
import { analyse } from '../analysis/analyse.ts'
import { Analysis, type Findings } from './shapes.ts'
import { AnalysisKey, FindingsKey } from './shared.ts'

export const createAnalyst = () =>
  defineAgent({
    name: 'Analyst',
    description: 'Groups and ranks the findings, and names contradictions and gaps.',
    inputSchema: z.object({ sub_questions: z.array(z.string()) }),
    outputSchema: Analysis,
    async run({ sub_questions }, ctx) {
      const run = ctx.runId ?? 'none'
      const research: Findings[] = []
      for (const [i, question] of sub_questions.entries()) {
        const shared = await ctx.context.get(FindingsKey({ run, number: i + 1 }))
        research.push(shared ?? { number: i + 1, question, findings: [], not_found: [] })
      }
      const analysis = analyse(research)
      await ctx.context.push(AnalysisKey({ run }), analysis, { subscribers: ['Coordinator', 'Reviewer'] })
      return analysis
    },
  })
