/** The elements of the views, with the classes of ui.css. */
import type { ComponentProps, CSSProperties, ReactNode } from 'react'

type Step = '1' | '2' | '3' | '4' | '5'
interface Margins {
  readonly mt?: Step | undefined
  readonly mb?: Step | undefined
  readonly my?: Step | undefined
}
const space = (step: Step | undefined) => (step === undefined ? undefined : `var(--space-${step})`)
const margins = ({ mt, mb, my }: Margins): CSSProperties => ({
  marginBlockStart: space(mt ?? my),
  marginBlockEnd: space(mb ?? my),
})
export const classes = (...names: readonly (string | false | undefined)[]) =>
  names.filter(Boolean).join(' ') || undefined

interface FlexProps extends Margins, ComponentProps<'div'> {
  readonly direction?: 'row' | 'column'
  readonly gap?: Step
  readonly align?: 'center' | 'start'
  readonly justify?: 'between'
  readonly wrap?: 'wrap'
}

export function Flex({ direction, gap, align, justify, wrap, mt, mb, my, className, ...rest }: FlexProps) {
  const style = {
    flexDirection: direction,
    gap: space(gap),
    alignItems: align,
    justifyContent: justify === 'between' ? 'space-between' : undefined,
    flexWrap: wrap,
    ...margins({ mt, mb, my }),
  }
  return <div {...rest} className={classes('flex', className)} style={style} />
}

interface TextProps extends Margins {
  readonly as?: 'p' | 'span' | 'label'
  readonly size?: 'small' | 'large'
  readonly color?: 'gray' | 'red'
  readonly bold?: boolean
  readonly className?: string | undefined
  readonly id?: string
  readonly role?: 'status'
  readonly htmlFor?: string
  readonly title?: string
  readonly children: ReactNode
}

export function Text({ as: Tag = 'span', size, color, bold, className, mt, mb, my, ...rest }: TextProps) {
  return (
    <Tag
      {...rest}
      className={classes('text', size, color, bold && 'bold', className)}
      style={margins({ mt, mb, my })}
    />
  )
}

interface HeadingProps
  extends Margins,
    Pick<ComponentProps<'h1'>, 'id' | 'className' | 'children' | 'tabIndex' | 'ref'> {
  readonly as: 'h1' | 'h2'
}

export function Heading({ as: Tag, mt, mb, my, ...rest }: HeadingProps) {
  return <Tag {...rest} style={margins({ mt, mb, my })} />
}

interface ButtonProps extends Margins, ComponentProps<'button'> {
  /** The primary one by default. */
  readonly look?: 'soft' | 'danger'
  readonly small?: boolean
}

/** A button that is off keeps the focus: the browser would take it from a disabled one, as from "Next" at the last item. */
export function Button({ look, small, mt, mb, my, className, type = 'button', disabled, ...rest }: ButtonProps) {
  const names = classes('button', look, small && 'small', className)
  const { 'aria-keyshortcuts': keys, title = keys && `Key: ${keys}` } = rest
  const off = disabled && { 'aria-disabled': true, onClick: preventDefault }
  return <button {...rest} {...off} type={type} title={title} className={names} style={margins({ mt, mb, my })} />
}

/** A press submits no form either. */
const preventDefault = (event: { preventDefault(): void }) => event.preventDefault()

export function Card({ mt, mb, my, className, ...rest }: Margins & ComponentProps<'div'>) {
  return <div {...rest} className={classes('card', className)} style={margins({ mt, mb, my })} />
}

interface NoticeProps extends Margins {
  readonly color: 'gray' | 'red'
  readonly children: ReactNode
}

/** Says what happened, and what to do. */
export function Notice({ color, children, ...rest }: NoticeProps) {
  return (
    <div role="alert" className={classes('notice', color)} style={margins(rest)}>
      {children}
    </div>
  )
}

/** Scrolls by itself where it is wider than its place. */
export function Table({ children }: { readonly children: ReactNode }) {
  return (
    <div className="table">
      <table>{children}</table>
    </div>
  )
}

interface SelectProps<Value extends string> {
  readonly label?: string
  readonly labelledBy?: string
  readonly value: Value | undefined
  readonly onChoose: (value: Value) => void
  readonly options: readonly { readonly value: Value; readonly label: string }[]
  /** Shown while nothing is chosen. */
  readonly placeholder?: string
}

export function Select<Value extends string>(props: SelectProps<Value>) {
  const { label, labelledBy, value, onChoose, options, placeholder } = props
  return (
    <select
      aria-label={label}
      aria-labelledby={labelledBy}
      disabled={options.length === 0}
      value={value ?? ''}
      onChange={({ target }) => onChoose(target.value as Value)}
    >
      {value === undefined && placeholder !== undefined && (
        <option value="" disabled>
          {placeholder}
        </option>
      )}
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  )
}
