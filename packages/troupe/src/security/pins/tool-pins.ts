/**
 * The pins of outside tools: hashes of the descriptions and the input schemas that they had at first sight or at the last
 * approval. Pins have no content and are the same for all users, because tools belong to the application.
 */
import { sql } from 'kysely'
import { hashJson, type Json } from '../../core/index.ts'
import { postgresTables, type Storage, templates, workTable } from '../../storage/index.ts'
import type { AuditTrail } from '../audit/index.ts'
import { commitWork } from '../commit-work.ts'
import type { ChargedWork } from '../evaluator/bounded-evaluator.ts'

const tables = [
  // The row without a tool records that the source was seen, also if it had no tools.
  `create table security_tool_pins (
    source text not null, tool text not null, description text not null, input text not null, output text not null,
    annotations text not null, approved integer not null, primary key (source, tool))`,
]
export const toolPinsSchema = {
  sqlite: tables,
  postgres: [...postgresTables(tables), workTable('security_tool_pins')],
}

/** The pinned parts of a tool. */
export interface ToolForm {
  /** The name of the tool. */
  readonly name: string
  /** The description for models. */
  readonly description: string
  /** The JSON Schema of the arguments. */
  readonly input: Json
  /** The JSON Schema of the result; null if it has none. */
  readonly output: Json
  /** The annotations of the tool, as its source gives them. */
  readonly annotations: Json
}
const parts = ['description', 'input', 'output', 'annotations'] as const
type Part = (typeof parts)[number]
type Hashes = Readonly<Record<Part, string>>

/** A tool that has changed, or that no person has approved yet. */
export interface ToolChange {
  /** The name of the source, such as an MCP server. */
  readonly source: string
  /** The name of the tool. */
  readonly tool: string
  /**
   * `unapproved`: pinned at first sight and unchanged since; in production it is `added`. All others are neither offered
   * nor called.
   */
  readonly change: 'added' | 'renamed' | 'changed' | 'unapproved'
  /** The parts of a changed tool that differ. */
  readonly parts: readonly Part[]
  /** The former name of a renamed tool. */
  readonly was?: string
  /** The present tool, for the person who decides. Exactly this form is approved. */
  readonly form: ToolForm
}

/** A tool as it is now, with the hashes of its parts. */
interface HashedForm {
  readonly form: ToolForm
  readonly hashes: Hashes
}

export interface CompareOptions {
  /** True if unapproved tools of the source are offered; false by default. */
  readonly isTrusted?: boolean
  /** Hashes one tool: the time that many tools take is divided. */
  readonly work: ChargedWork
}

type Pinned = Hashes & { readonly approved: boolean }

const hashesOf = (form: ToolForm): Hashes =>
  Object.fromEntries(parts.map((part) => [part, hashJson(form[part])])) as Record<Part, string>

function pinStatements(storage: Storage) {
  const compile = templates(storage.dialect)
  type Pin = Hashes & { source: string; tool: string; approved: number }
  return {
    of: compile<{ source: string }>(
      (p) =>
        sql`select tool, description, input, output, annotations, approved from security_tool_pins where source = ${p.source}`,
    ),
    save: compile<Pin>(
      (p) =>
        sql`insert into security_tool_pins (source, tool, description, input, output, annotations, approved)
          values (${p.source}, ${p.tool}, ${p.description}, ${p.input}, ${p.output}, ${p.annotations}, ${p.approved})
          on conflict (source, tool) do nothing`,
    ),
    drop: compile<{ source: string; tool: string }>(
      (p) => sql`delete from security_tool_pins where source = ${p.source} and tool = ${p.tool}`,
    ),
  }
}

export interface ToolPinsParts {
  readonly storage: Storage
  readonly audit: Pick<AuditTrail, 'actionStatements'>
  /** A tool is not used before its first approval. */
  readonly production: boolean
}

export class ToolPins {
  readonly #storage: Storage
  readonly #production: boolean
  readonly #audit: Pick<AuditTrail, 'actionStatements'>
  readonly #statements: ReturnType<typeof pinStatements>
  #approvals = 0

  constructor({ storage, audit, production }: ToolPinsParts) {
    this.#storage = storage
    this.#production = production
    this.#audit = audit
    this.#statements = pinStatements(storage)
  }

  /**
   * Pins all tools of a source at its first sight, and compares from then on. In production a pin permits the tools of a
   * trusted source and approved tools, whichever profile and trust it was made under.
   * @returns the tools that wait for approval, and those that were never approved, except for a trusted source
   */
  async compare(
    source: string,
    forms: readonly ToolForm[],
    { isTrusted = false, work }: CompareOptions,
  ): Promise<readonly ToolChange[]> {
    const hashed: HashedForm[] = []
    for (const form of forms) hashed.push(await work(() => ({ form, hashes: hashesOf(form) })))
    let pinned = await this.#pinned(source)
    if (pinned.size === 0) {
      const seen = { source, tool: '', description: '', input: '', output: '', annotations: '', approved: 0 }
      const pins = hashed.map(({ form, hashes }) => ({ source, tool: form.name, approved: 0, ...hashes }))
      await commitWork(
        this.#storage,
        [seen, ...pins].map((pin) => this.#statements.save(pin)),
      )
      // Another process may have pinned the source first.
      pinned = await this.#pinned(source)
    }
    const present = new Set(forms.map(({ name }) => name))
    const gone = new Map<string, string>()
    for (const [tool, pin] of pinned)
      if (tool !== '' && !present.has(tool) && !gone.has(joined(pin))) gone.set(joined(pin), tool)
    return hashed
      .flatMap((one) => changeOf(source, one, pinned.get(one.form.name), gone))
      .filter(({ change }) => change !== 'unapproved' || !isTrusted)
      .map((one) => (one.change === 'unapproved' && this.#production ? { ...one, change: 'added' } : one))
  }

  /** The number of approvals of this troupe: a comparison from before the last one is not current. */
  get approvals(): number {
    return this.#approvals
  }

  /** Pins the tools in the form that was shown. */
  async approve(changes: readonly ToolChange[]): Promise<void> {
    await commitWork(
      this.#storage,
      changes.flatMap(({ source, was, form }) => [
        ...(was === undefined ? [] : [this.#statements.drop({ source, tool: was })]),
        this.#statements.drop({ source, tool: form.name }),
        this.#statements.save({ source, tool: form.name, approved: 1, ...hashesOf(form) }),
        ...this.#audit.actionStatements({
          actor: 'host',
          operation: 'tool.approve',
          resource: `${source} ${form.name}`,
        }),
      ]),
    )
    this.#approvals++
  }

  async #pinned(source: string): Promise<ReadonlyMap<string, Pinned>> {
    const statement = this.#statements.of({ source })
    const [rows = []] = await this.#storage.read({ work: true }, [statement])
    return new Map(rows.map((row) => [String(row.tool), { ...(row as Hashes), approved: Number(row.approved) === 1 }]))
  }
}

const joined = (hashes: Hashes): string => parts.map((part) => hashes[part]).join()

/** @param gone the names of pinned tools that are missing, by their hashes */
function changeOf(
  source: string,
  { form, hashes }: HashedForm,
  pin: Pinned | undefined,
  gone: ReadonlyMap<string, string>,
): readonly ToolChange[] {
  if (pin) {
    const changed = parts.filter((part) => pin[part] !== hashes[part])
    if (changed.length > 0) return [{ source, tool: form.name, change: 'changed', parts: changed, form }]
    return pin.approved ? [] : [{ source, tool: form.name, change: 'unapproved', parts: [], form }]
  }
  const was = gone.get(joined(hashes))
  return [
    was === undefined
      ? { source, tool: form.name, change: 'added', parts: [], form }
      : { source, tool: form.name, change: 'renamed', parts: [], was, form },
  ]
}
