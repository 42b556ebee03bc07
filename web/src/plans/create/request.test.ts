import { describe, expect, it } from "vitest";

import { type PlanDraft, generateRequest, missingInput, newPlan } from "./request";

const draft = (fields: Partial<PlanDraft>): PlanDraft => ({
  source: "claude",
  repositoryId: "r",
  title: "",
  description: "",
  storyIds: [],
  templateId: "",
  parameters: {},
  ...fields,
});
const bug = { name: "bug", description: "", default: null };
const area = { name: "area", description: "", default: "anywhere" };

describe("what is still missing", () => {
  it("is a title, and something to go by, where Claude writes", () => {
    expect(missingInput(draft({}), [])).toMatch(/title/);
    expect(missingInput(draft({ title: "Export" }), [])).toMatch(/description/);
    expect(missingInput(draft({ title: "Export", storyIds: ["s"] }), [])).toBeNull();
    expect(missingInput(draft({ title: "Export", description: "As CSV." }), [])).toBeNull();
  });

  it("is what the template asks for and has no default of", () => {
    const of = { source: "template", templateId: "t" } as const;
    expect(missingInput(draft({ ...of, templateId: "" }), [])).toMatch(/template/);
    expect(missingInput(draft(of), [bug, area])).toMatch(/bug/);
    expect(missingInput(draft({ ...of, parameters: { bug: "it stops" } }), [bug, area])).toBeNull();
  });

  it("is stories where it is made of them, and the repository everywhere", () => {
    expect(missingInput(draft({ source: "stories" }), [])).toMatch(/stories/);
    expect(missingInput(draft({ source: "hand", title: "x", repositoryId: "" }), [])).toMatch(/repository/);
  });
});

describe("what the API is asked", () => {
  it("has the template only where that is used, and no empty parameters", () => {
    const fields = { title: " Export ", templateId: "t", parameters: { a: "x", b: " " } };
    expect(generateRequest(draft(fields))).toMatchObject({
      title: "Export",
      templateId: "t",
      parameters: { a: "x" },
    });
    expect(newPlan(draft({ ...fields, source: "stories", storyIds: ["s"] }))).toEqual({
      repositoryId: "r",
      title: "Export",
      storyIds: ["s"],
    });
  });

  it("is an empty plan where it is written by hand", () => {
    expect(newPlan(draft({ source: "hand", title: "Export" }))).toEqual({
      repositoryId: "r",
      title: "Export",
      phases: [],
    });
  });
});
