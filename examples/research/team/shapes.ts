/** What the members of the team hand each other: JSON, checked wherever one of them receives it. */
import { z } from 'zod'

/** The bounds of a project. Everything that a model may give is bounded by them. */
export const limits = { questionCharacters: 4_000, subQuestions: 8, findings: 10, skipped: 200, rounds: 2 } as const

/*
 * The forms that models fill name no lengths and leave nothing optional: not every provider takes that. The bounds are
 * kept where the values are received.
 */
export const SubQuestions = z.object({ sub_questions: z.array(z.string()) })

/** A statement and the passage that bears it out. */
export const Claim = z.object({
  claim: z.string().describe('What the passage says, in one sentence.'),
  quote: z.string().describe('The passage, word for word.'),
  file: z.string().describe('The path of the document, as the tools give it.'),
  line: z.number().int().describe('The line of the document in which the passage starts.'),
  heading: z.string().nullable().describe('The headings above the passage, as the tools give them.'),
})
export type Claim = z.infer<typeof Claim>

/** What a Researcher answers. */
export const Research = z.object({
  findings: z.array(Claim).max(limits.findings),
  not_found: z.array(z.string()).describe('What the documents do not say.'),
})

/** What the team knows about one part of the question. */
export const Findings = z.object({
  number: z.number().int().min(1),
  question: z.string(),
  findings: z.array(Claim),
  not_found: z.array(z.string()),
})
export type Findings = z.infer<typeof Findings>

/** What a Writer makes of it. */
export const Claims = z.object({ claims: z.array(Claim).max(limits.findings) })

/** Where a passage stands. */
export const Citation = Claim.pick({ quote: true, file: true, line: true })
export type Citation = z.infer<typeof Citation>
export const Ranked = Claim.extend({ support: z.array(Citation) })
export type Ranked = z.infer<typeof Ranked>

export const Contradiction = z.object({ why: z.string(), first: Citation, second: Citation })
export type Contradiction = z.infer<typeof Contradiction>
export const Gap = z.object({ number: z.number().int(), what: z.string() })
export type Gap = z.infer<typeof Gap>

export const Analysis = z.object({
  sections: z.array(z.object({ number: z.number().int(), question: z.string(), findings: z.array(Ranked) })),
  contradictions: z.array(Contradiction),
  gaps: z.array(Gap),
})
export type Analysis = z.infer<typeof Analysis>

/** A claim of the draft, with the other passages that say the same. */
export const Drafted = Claim.extend({
  support: z.array(Citation),
  /** The line in which the quotation ends, once the citation is checked. */
  end_line: z.number().int().optional(),
  /** What of the claim its quotation does not bear out. */
  doubt: z.string().optional(),
})
export type Drafted = z.infer<typeof Drafted>
export const Section = z.object({ number: z.number().int(), question: z.string(), claims: z.array(Drafted) })
export type Section = z.infer<typeof Section>
export const Draft = z.object({ sections: z.array(Section), contradictions: z.array(Contradiction) })
export type Draft = z.infer<typeof Draft>

/** A citation that could not be put right, and what is wrong with it. */
export const Struck = z.object({ number: z.number().int().optional(), citation: Citation, fault: z.string() })
export type Struck = z.infer<typeof Struck>
export const Review = Draft.extend({
  struck: z.array(Struck),
  /** Citations that were checked, and how often the draft went back. */
  checked: z.number().int(),
  sent_back: z.number().int(),
})
export type Review = z.infer<typeof Review>

/** A passage that does not answer, though it speaks of what is asked. */
export const Near = Citation.extend({ end_line: z.number().int(), heading: z.string() })
export type Near = z.infer<typeof Near>

/** The documents as the team found them. */
export const Survey = z.object({
  documents: z.number().int(),
  passages: z.number().int(),
  bytes: z.number().int(),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
  skipped_count: z.number().int(),
})
export type Survey = z.infer<typeof Survey>

/** What a project is asked, and all that another process needs to go on with it. */
export const Project = z.object({
  /** The run's own where it is absent. */
  id: z.string().optional(),
  question: z.string(),
  /** Absolute paths. */
  folders: z.array(z.string()),
  files: z.array(z.string()),
  /** Documents are cited by their path from here. */
  base: z.string(),
  model: z.string(),
  /** Absolute path of the folder for reports. */
  reports: z.string(),
})
export type Project = z.infer<typeof Project>

const Cited = z.object({
  file: z.string(),
  from: z.number().int(),
  to: z.number().int(),
  quote: z.string(),
  heading: z.string().nullable(),
})

/** The report for programs. */
export const Twin = z.object({
  question: z.string(),
  answers: z.array(
    z.object({
      question: z.string(),
      found: z.boolean(),
      /** Best first; none where nothing was found. */
      citations: z.array(Cited.extend({ claim: z.string() })),
      /** What comes nearest where nothing was found. */
      near: z.array(Cited),
    }),
  ),
  contradictions: z.array(Contradiction),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })),
})
export type Twin = z.infer<typeof Twin>

/** What a project gives. */
export const Outcome = z.object({
  status: z.enum(['completed', 'nothing_found']),
  research_data: z.array(Findings),
  analysis_results: Analysis,
  /** Markdown, without the account of the run. */
  final_report: z.string(),
  /** The same as data. */
  twin: Twin,
})
export type Outcome = z.infer<typeof Outcome>
