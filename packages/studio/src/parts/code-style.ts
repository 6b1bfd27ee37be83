/** The look of the editors and views of code: the colours of the style sheet, so that they follow the appearance of the page. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import './code-style.css'

const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--panel)', color: 'var(--ink)', fontSize: '0.8125rem' },
  // The frame shows the focus: the dotted line of the editor cannot be seen in dark.
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', maxHeight: '24rem' },
  '.cm-gutters': { backgroundColor: 'var(--sunken)', color: 'var(--ink-3)', border: 'none' },
  // An empty editor is as high as a target of a finger.
  '.cm-content, .cm-gutter': { minHeight: '2.5rem' },
  '.cm-cursor': { borderInlineStartColor: 'var(--ink)' },
})

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--code-word)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--code-text)' },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--code-value)' },
  { tag: [tags.propertyName, tags.typeName, tags.className], color: 'var(--code-name)' },
  { tag: [tags.comment, tags.meta], color: 'var(--ink-3)' },
])

export const codeStyle = [theme, syntaxHighlighting(colours), EditorView.lineWrapping]
