/** The report as data: what a program reads in place of the Markdown. */
import type { Twin } from '../team/shapes.ts'
import type { ReportParts } from './render-report.ts'

export function twinOf({ project, plan, near, review, survey }: ReportParts): Twin {
  return {
    question: project.question,
    answers: plan.map((question, i) => {
      const claims = review.sections.find(({ number }) => number === i + 1)?.claims ?? []
      return {
        question,
        found: claims.length > 0,
        citations: claims.map(({ claim, file, line, end_line = line, quote, heading }) => ({
          file,
          from: line,
          to: end_line,
          quote,
          heading,
          claim,
        })),
        near: (near[i] ?? []).map(({ file, line, end_line, quote, heading }) => ({
          file,
          from: line,
          to: end_line,
          quote,
          heading,
        })),
      }
    }),
    contradictions: review.contradictions,
    skipped: survey.skipped,
  }
}
