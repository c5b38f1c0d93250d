// A light tokenizer of the query language. It never fails: it serves colours, completion and edits of the text,
// while the collector alone decides what a query means and where it is wrong.

export type TokenKind =
  | "field" // a name with a comparison after it
  | "op" // : = != > >= < <=
  | "word"
  | "number"
  | "string" // quoted; may lack its end
  | "regex"
  | "keyword" // AND OR NOT TO IN and - ! at the start of a term
  | "paren" // ( ) [ ] { } ,
  | "pipe"
  | "command"; // the word after a pipe

export interface Token {
  readonly kind: TokenKind;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
  readonly text: string;
}

const SPACE = /\s/;
const BREAK = /[\s()[\]{},"'`|]/;
const KEYWORDS: ReadonlySet<string> = new Set(["and", "or", "not", "to", "in", "by", "as"]);
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[a-zA-Z]{1,3})?$/;
const FIELD_NAME = /^[\p{L}_@*][\p{L}\p{N}_@.\-*/]*$/u;
const OPERATORS = ["!=", ">=", "<=", "==", ":=", ":", "=", ">", "<"] as const;

/** Splits a query into tokens, in order, white space left out. */
export function tokenize(text: string): Token[] {
  return new Tokenizer(text).run();
}

class Tokenizer {
  private readonly tokens: Token[] = [];
  private at = 0;

  constructor(private readonly text: string) {}

  run(): Token[] {
    while (this.at < this.text.length) {
      const c = this.text.charAt(this.at);
      if (SPACE.test(c)) this.at += 1;
      else if (c === '"' || c === "'" || c === "`")
        this.push(this.isFieldQuote() ? "field" : "string", this.quoteEnd(c));
      else if (c === "/" && this.regexMayStart()) this.push("regex", this.regexEnd());
      else if (c === "|") this.bar();
      else if ("()[]{},".includes(c)) this.push("paren", this.at + 1);
      else if ((c === "-" || c === "!") && this.termStarts() && !this.operatorAt(this.at))
        this.push("keyword", this.at + 1);
      else if (this.operatorAt(this.at)) this.push("op", this.at + (this.operatorAt(this.at)?.length ?? 1));
      else this.word();
    }
    return this.tokens;
  }

  private push(kind: TokenKind, end: number): void {
    this.tokens.push({ kind, start: this.at, end, text: this.text.slice(this.at, end) });
    this.at = end;
  }

  private bar(): void {
    if (this.text.startsWith("||", this.at)) this.push("keyword", this.at + 2);
    else this.push("pipe", this.at + 1);
  }

  private operatorAt(at: number): string | undefined {
    return OPERATORS.find((op) => this.text.startsWith(op, at));
  }

  private get previous(): Token | undefined {
    return this.tokens[this.tokens.length - 1];
  }

  /** Whether a term may start here: at the beginning, after white space, or after an opening parenthesis. */
  private termStarts(): boolean {
    const before = this.text.charAt(this.at - 1);
    const after = this.text.charAt(this.at + 1);
    return (
      (before === "" || SPACE.test(before) || before === "(" || before === "|") && after !== "" && !SPACE.test(after)
    );
  }

  private quoteEnd(quote: string): number {
    for (let i = this.at + 1; i < this.text.length; i += 1) {
      const c = this.text.charAt(i);
      if (c === "\\") i += 1;
      else if (c === quote) return i + 1;
    }
    return this.text.length;
  }

  private isFieldQuote(): boolean {
    const end = this.quoteEnd(this.text.charAt(this.at));
    return this.previous?.kind !== "op" && this.operatorAt(end) !== undefined;
  }

  /** A slash opens a regular expression after `:` or `=`, or as a term of its own that has a closing slash. */
  private regexMayStart(): boolean {
    const before = this.text.charAt(this.at - 1);
    if (!(before === "" || SPACE.test(before) || "(:=,".includes(before))) return false;
    // A path such as /api/v1 has a second slash as well: a regular expression ends where the term ends.
    const close = this.regexEnd();
    const after = this.text.charAt(close);
    return (
      /.\/i?$/.test(this.text.slice(this.at, close)) && (after === "" || SPACE.test(after) || ")|,".includes(after))
    );
  }

  private regexEnd(): number {
    for (let i = this.at + 1; i < this.text.length; i += 1) {
      const c = this.text.charAt(i);
      if (c === "\\") i += 1;
      else if (c === "/" && i > this.at + 1) return this.text.charAt(i + 1) === "i" ? i + 2 : i + 1;
    }
    return this.text.length;
  }

  private word(): void {
    let end = this.at;
    while (end < this.text.length && !BREAK.test(this.text.charAt(end))) {
      if (this.text.charAt(end) === "\\") end += 1;
      else if (this.splitsAt(end)) break;
      end += 1;
    }
    end = Math.min(Math.max(end, this.at + 1), this.text.length);
    this.push(this.wordKind(this.text.slice(this.at, end), end), end);
  }

  /** An operator ends a word only when what stands before it is a plausible field name (not `12:30`, `http://`). */
  private splitsAt(end: number): boolean {
    if (!this.operatorAt(end)) return false;
    if (this.previous?.kind === "op" && this.previous.end === this.at) return false;
    return FIELD_NAME.test(this.text.slice(this.at, end)) && !this.text.startsWith("://", end);
  }

  private wordKind(word: string, end: number): TokenKind {
    if (this.previous?.kind === "pipe") return "command";
    if (this.splitsAt(end)) return "field";
    if (KEYWORDS.has(word.toLowerCase()) || word === "&&") return "keyword";
    return NUMBER.test(word) ? "number" : "word";
  }
}
