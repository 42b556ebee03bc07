"""Column names by role, for unrecognised exports; most specific first."""

from groundwork.backlog.card_import.names import listed, word_list

TEXT = listed(
    """text, feedback text, feedback, review text, review body, review content, review, reviews, comment text,
    comment body, comment, comments, verbatim, verbatim comment, verbatims, customer feedback, user feedback,
    customer comment, customer comments, user comment, feedback comment, feedback comments, feedback message,
    feedback content, additional comments, open-ended response, open ended response, open text, free text,
    freetext, response text, answer text, body text, plain body, body plain, message text, message body,
    body, content, message, messages, post text, full text, tweet text, tweet, selftext, description text,
    description, details, detail, note, notes, note content, suggestion, suggestions, idea description,
    request, feature request, complaint, complaints, opinion, remarks, remark, testimonial, transcript,
    statement, issue description, ticket description, case description, question body, excerpt, snippet,
    highlight, quote, answer, response, summary text, reply, desc, text original, text display, text content,
    original text, full review, plain text, raw, cooked, preview, first message, last message, nps comment,
    nps feedback, csat comment, score comment, score reason, reason, reason for score, why, explanation,
    kommentar, kommentare, bemerkung, bemerkungen, anmerkung, anmerkungen, rückmeldung, bewertungstext,
    bewertung text, beschreibung, nachricht, inhalt, rezension, rezensionstext, freitext, antwort, meinung,
    commentaire, commentaires, avis, texte, texte de l'avis, contenu, remarque, remarques, réponse, retour,
    verbatim client, comentario, comentarios, texto, reseña, opinión, descripción, mensaje, contenido,
    observaciones, sugerencia, respuesta, comentário, comentários, avaliação, descrição, mensagem, conteúdo,
    opinião, sugestão, observações, commento, commenti, testo, recensione, descrizione, messaggio, contenuto,
    risposta, osservazioni, opmerking, opmerkingen, tekst, beoordeling, bericht, omschrijving, reactie,
    toelichting, komentarz, komentarze, opinia, treść, kommentti, palaute, kommentarer, omdöme, beskrivning,
    beskrivelse, anmeldelse, tilbakemelding, yorum, geri bildirim, açıklama, текст, отзыв, комментарий,
    комментарии, описание, сообщение, текст отзыва, відгук, коментар, bewertung, valoración, nota de texto,
    コメント, 本文, 内容, レビュー, 感想, ご意見, 意見, 自由記述, 説明, メッセージ, 评论, 评论内容, 反馈,
    反馈内容, 描述, 意见, 留言, 評論, 回饋, 댓글, 리뷰, 내용, 의견, 후기, 설명, תגובה, משוב, تعليق, نص,
    ملاحظات, प्रतिक्रिया, टिप्पणी"""
)
TITLE = listed(
    """title, review title, subject, summary, headline, heading, idea title, idea, post title, thread title,
    issue title, case subject, ticket subject, conversation subject, review headline, short description,
    topic line, titel, betreff, überschrift, zusammenfassung, titre, objet, sujet, résumé, título, asunto,
    resumen, assunto, resumo, titolo, oggetto, riepilogo, onderwerp, samenvatting, temat, tytuł, otsikko,
    rubrik, ämne, başlık, konu, заголовок, тема, название, 件名, タイトル, 要約, 标题, 標題, 主题, 主題,
    제목, 요약"""
)
EXTERNAL_ID = listed(
    """external id, externalid, uuid, guid, bug id, review id, recommendation id, feedback id, response id, responseid,
    respondent id, submission id, ticket id, task id, item id, thread id, story id, ticket number,
    ticket no, case id, case number, issue key,
    issue id, conversation id, message id, comment id, post id, tweet id, entry id, record id, idea id,
    suggestion id, survey response id, response uuid, submission uuid, review uuid, feedback uuid, answer id,
    note id, event id, insight id, feedback number, reference,
    reference id, reference number, unique id, token, submission token, id, key, _id, node id, permalink id,
    vorgangsschlüssel, vorgangs-id, ticketnummer, bewertungs-id, rezensions-id, clé de ticket, identifiant,
    clave, clave de incidencia, identificador, código, chave, キー, 受付番号, 回答id, レビューid, 编号,
    评论id, 識別碼, 아이디"""
)
LINK = listed(
    """review link, link, url, permalink, html url, review url, web url, weburl, short url, shorturl, issue url,
    ticket url, link to review, source url, post url, tweet url, direct link, canonical url, lien, enlace,
    リンク, 链接, 連結, 링크, ссылка"""
)
TIME = listed(
    """posted at, postedat, created at, created, created time, created date, date created, creation date,
    create date, timestamp created, unix review time, created on, createdat, created timestamp, created_utc,
    created utc, createddate, sys created on, date/time opened, opened at, opened on, opened, date opened,
    reported at, reported on, date reported, submitted at, submitted, submit date,
    submission date, submission time, date submitted, submit time, submitted on, review date, review time,
    review created, review submit date and time, published at, published, publish date, published date,
    posted, posted on, post date, date posted, completed at, end date, enddate, recorded date, recordeddate,
    completion time, response date, responded at, answered at, timestamp, time stamp, event time, date,
    date time, date & time, date and time, datetime, time, day, ts, received at,
    received, date received, feedback date, comment date, sent at, sent, start date, updated,
    datum, erstellt, erstellt am, erstellungsdatum, zeitstempel,
    eingegangen am, date de création, créé le, créé, horodateur, fecha, fecha de creación, creada, creado,
    marca temporal, data, data de criação, criado em, criado, carimbo de data/hora, creato,
    informazioni cronologiche, aangemaakt, tijdstempel, utworzono, sygnatura czasowa, tarih, zaman damgası,
    дата, создано, отметка времени, タイムスタンプ, 作成日, 日付, 日時, 投稿日, 日期, 时间, 时间戳记,
    创建时间, 評論時間, 提交时间, 時間戳記, 날짜, 타임스탬프, 작성일"""
)
EPOCH_TIME = listed("millis since epoch, epoch, unix time, unix timestamp, created_utc, timestamp ms, epoch ms")
SOURCE = listed(
    """source, channel, platform, feedback source, review source, via, origin, source of review, source system,
    source type, quelle, kanal, canal, fuente, origen, origem, fonte, kaynak, источник, канал, ソース,
    チャネル, 来源, 渠道, 출처, 채널"""
)

TEXT_ENDINGS = frozenset(
    word_list(
        """feedback comment comments review reviews verbatim message messages suggestion suggestions opinion
        remarks text content description body reason notes request complaint explanation details kommentar
        kommentare rückmeldung nachricht beschreibung commentaire commentaires avis comentario comentarios
        comentários opinião mensagem descripción descrição commento commenti messaggio opmerking opmerkingen
        reactie отзыв комментарий сообщение описание"""
    )
)
"""Last words of a text column's longer name: `Your feedback`, `Task Content`."""
TITLE_ENDINGS = frozenset(word_list("title subject headline summary betreff titel titre objet asunto título oggetto"))
REPLIES = frozenset(
    listed(
        "reply, response, answer, antwort, réponse, respuesta, resposta, risposta, antwoord, response text, answer text"
    )
)
"""Names of a customer's answer, but beside a column of feedback of the company's answer."""
OWN_WORDS = frozenset(word_list("agent internal intern staff developer admin moderator private reply resolution"))
OTHER_TITLES = frozenset(word_list("page job window document tab section book movie film song course"))
"""First words of the titles of other things: `Page title`."""
TIME_STARTS = frozenset(
    word_list("created creation submitted submission posted published recorded opened received erstellt")
)
THREADS = frozenset(word_list("ticket task issue idea card case topic thread post feature request bug item story"))
"""Things whose name is a title: `Ticket name`."""
