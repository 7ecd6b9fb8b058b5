"""Phrases by which a block's text reveals what it is, by language.

`START` patterns must match at the start of a block, `INNER` patterns anywhere in it. Trying every pattern on every
paragraph would cost more than parsing the page, so a pattern is tried only on texts that contain one of its triggers,
without which it cannot match, or open with one (transforms.page.judge.triggers computes them).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from transforms.page.judge.triggers import WIDTH, find_openings, find_triggers, needs_unspaced
from transforms.page.text import UNSPACED

START: dict[str, tuple[str, ...]] = {
    "related": (
        r"(?:for|to\s+(?:read|see|find))\s+more\b",
        r"click\s+(?:here|to|on)\b",
        r"(?:alle|aktuelle|weitere|neueste|mehr|sämtliche)\s+(?:informationen|infos|artikel|news|nachrichten|meldungen|beiträge|texte|hintergründe|entwicklungen|themen|videos|bilder|folgen)\b",
        r"exklusive\b.{0,60}(?:recherchiert|hintergründe)",
        r"(?:this|der|dieser)\s+(?:video|podcast)\b.{0,30}$",
        r"(?:here\s+are|these\s+are)\s+(?:the\s+)?(?:other|latest|top|today)",
        r"(?:explore|discover|find\s+out|learn)\s+more\b",
        r"(?:previously|earlier|elsewhere)\s*:",
        r"(?:tudo|tout|todo|tutto)\s+(?:sobre|sur|su)\b",
        r"(?:mehr|more|plus|más|mais|meer|więcej)\s*:",
        r"(?:listen|audio|podcast|video|watch)\s*:",
        r"(?:read|see|watch|listen|view)\s+(?:more|also|next|now|all|too|it|here|the\s+full)\b",
        r"(?:also|more)\s+(?:read|on|from|in|like|about|news|stories|coverage|to\s+explore|to\s+read)\b",
        r"(?:related|recommended|trending|most\s+(?:read|popular|viewed|shared)|popular|more\s+stories|don[’']t\s+miss|must[\s-]reads?|up\s+next|you\s+(?:may|might)\s+(?:also\s+)?(?:like|be\s+interested|enjoy|have\s+missed)|in\s+case\s+you\s+missed|what\s+to\s+read|latest\s+(?:news|stories|headlines)|top\s+stories|further\s+reading|editor[’']?s?[’']?\s+(?:pick|choice)s?|keep\s+reading|continue\s+reading|next\s+article|previous\s+article|\(?(?:also|and)\s+read)\b",
        r"(?:related|read|watch|more|see\s+also|background|explainer|opinion|video|photos|listen)\s*[:|>»]",
        r"\[?(?:video|photos?|watch|gallery)\]?$",
        r"(?:mehr\s+(?:zum|zu|aus|von|über|dazu|infos?|lesen)|lesen\s+sie|lies\s+auch|auch\s+interessant|das\s+könnte|weitere\s+(?:artikel|nachrichten|infos?|themen|meldungen|informationen)|weiterlesen|zum\s+thema|themen|meistgelesen|passend\s+(?:dazu|zum)|hier\s+(?:lesen|geht)|siehe\s+auch|empfehlung|empfohlen|aktuelle\s+nachrichten|anzeige|interessant\s+ist\s+auch|auch\s+spannend|hintergrund\s*:|kommentar\s*:)\b",
        r"(?:à\s+lire|lire\s+(?:aussi|plus|également)|voir\s+aussi|sur\s+le\s+même\s+(?:thème|sujet)|pour\s+aller\s+plus\s+loin|articles?\s+liés?|les\s+plus\s+lus|plus\s+d['’]infos|à\s+voir|notre\s+dossier|lisez\s+aussi)\b",
        r"(?:lee\s|leer\s|lea\s|mira\s|ver\s|vea\s|te\s+puede|le\s+puede|también\s+(?:te|le|puede|en)|más\s+(?:información|noticias|sobre|en)|noticias?\s+relacionad|relacionad[oa]s?|lo\s+más\s+(?:leído|visto)|quizás?\s+te|no\s+te\s+pierdas|sigue\s+leyendo|artículos?\s+relacionad)",
        r"(?:leia|veja|saiba|confira|assista)\s+(?:também|mais|a\s+seguir|abaixo)\b",
        r"(?:notícias?\s+relacionad|mais\s+(?:lidas|notícias|sobre)|relacionad[oa]s?)",
        r"(?:leggi|guarda|vedi|scopri)\s+(?:anche|pure|di\s+più|tutt|qui|altr)\b",
        r"(?:articol[oi]\s+correlat|correlat|potrebbe\s+interessar|ti\s+potrebbe|per\s+approfondire|approfondiment)",
        r"(?:lees|bekijk|kijk|luister)\s+(?:ook|meer|verder|hier)\b",
        r"(?:meer\s+(?:over|nieuws|lezen)|gerelateerd|meest\s+gelezen|ook\s+interessant)",
        r"(?:czytaj|zobacz|przeczytaj|sprawdź|obejrzyj)\s+(?:też|także|również|więcej|koniecznie|tutaj)\b",
        r"(?:polecamy|powiązane|najczęściej\s+czytane|warto\s+przeczytać|więcej\s+(?:na|o|informacji))",
        r"(?:læs|se|hør|les|lytt)\s+(?:også|mere|mer|flere|hele)\b",
        r"(?:mere\s+om|mer\s+om|relatert|relaterede|mest\s+læst|mest\s+lest|flere\s+nyheder|les\s+hele|saken\s+fortsetter|artiklen\s+fortsætter)",
        r"(?:läs|se|lyssna|titta)\s+(?:också|även|mer|fler|hela)\b",
        r"(?:mer\s+om|relaterat|mest\s+läst|fler\s+nyheter|artikeln\s+fortsätter)",
        r"(?:čtěte|přečtěte|více|mohlo\s+by|související|nejčtenější|podívejte|kam\s+dál|k\s+tématu)\b",
        r"(?:читайте|читать|смотрите|смотри|подробнее|материалы\s+по\s+теме|по\s+теме|ещё\s+по\s+теме|еще\s+по\s+теме|см\.?\s+также|вам\s+может|рекомендуем|популярное|самое\s+читаемое|новости\s+по\s+теме|также\s+по\s+теме|узнайте\s+также)(?:\s+(?:также|далее|ещё|еще|по\s+теме|наши))?",
        r"(?:читайте|дивіться|докладніше|також|більше\s+(?:новин|про)|за\s+темою|рекомендуємо|популярне|вас\s+може)",
        r"(?:ilgili\s+haber|ayrıca|bunlar\s+da|daha\s+fazla|önerilen|çok\s+okunan|sıradaki|haberin\s+devamı|okumaya\s+devam|bunu\s+da)",
        r"(?:関連(?:記事|ニュース|リンク)?|あわせて読みたい|合わせて読みたい|こちらも|おすすめ|続きを読む|次のページ|人気記事|【関連|\[関連|【写真|【画像|【動画|もっと見る)",
        r"(?:相关(?:阅读|新闻|文章|链接|报道)?|推荐(?:阅读)?|延伸阅读|延伸閱讀|相關(?:新聞|閱讀|報導|文章)?|更多(?:新闻|阅读|精彩)?|热门|熱門|点击查看|查看更多|阅读原文|看更多|推薦)",
        r"(?:관련\s*(?:기사|뉴스)|추천\s*(?:기사|뉴스)|함께\s*(?:보면|읽)|많이\s*본|더\s*보기|이\s*기사)",
    ),
    "promo": (
        r"subscribe\b",
        r"(?:already\s+a\s+)?(?:subscriber|member)s?(?:\s+only)?\b.{0,60}(?:log|sign)",
        r"sign\s+up\b",
        r"newsletters?\b",
        r"all\s+newsletters\b",
        r"(?:support|donate|give\s+to|help\s+us|become\s+a)\b.{0,80}(?:journalism|donat|contribut|today|member|patron|subscriber|support|independent)",
        r"(?:start|try|claim|get)\b.{0,50}(?:trial|subscription|offer|unlimited|for\s+(?:just|only))",
        r"(?:want|looking\s+for)\b.{0,60}(?:more|stories|news|newsletter|inbox)",
        r"(?:jetzt|hier)\b.{0,40}(?:abonnieren|anmelden|testen|registrieren|bestellen|herunterladen|downloaden|weiterlesen|lesen)",
        r"(?:sie\s+haben|sie\s+sind)\b.{0,40}\b(?:abo|abonnent|registriert)",
    ),
    "social": (
        r"get\s+in\s+touch\b",
        r"sharing\s+is\s+caring",
        r"(?:like|love|enjoy(?:ed)?)\s+this\s+(?:story|article|post)\b",
        r"(?:add|make)\s+us\b.{0,40}(?:preferred|google)",
        r"(?:hat\s+ihnen|hat\s+dir)\b.{0,40}gefallen",
        r"haben\s+sie\s+(?:fragen|anregungen|hinweise|einen\s+fehler)\b",
        r"[\w.+-]+@[\w-]+\.[\w.]+$",
        r"(?:https?://)?(?:www\.)?(?:twitter|x|facebook|instagram)\.com/\w+$",
        r"(?:follow|like|find|join|connect\s+with|tweet\s+(?:at|us)|share|reach)\b.{0,80}(?:@|twitter|facebook|instagram|linkedin|tiktok|telegram|whatsapp|youtube|threads|bluesky|google\s+news|\bon\s+x\b|this\s+(?:article|story|post)|us\b)",
        r"share(?:\s+(?:this|on|via|the))?\b.{0,30}$",
        r"@\w+",
        r"(?:got|have|do\s+you\s+have)\s+a?\s*(?:tip|story|question|news|comment|confidential)s?\b",
        r"(?:send|email)\s+(?:us|your|tips|letters|an\s+email)\b",
        r"(?:tweet|facebook|twitter|whatsapp|linkedin|pinterest|reddit|telegram|email|print|copy\s+link|teilen|share|drucken|merken)$",
        r"(?:folgen\s+sie|folge\s+uns|teilen|schreiben\s+sie\s+uns)",
        r"(?:suivez|partagez|partager)\b",
        r"(?:síguenos|sigue\s+a|síganos|comparte|compartir)\b",
        r"(?:siga|compartilhe|compartilhar)\b",
        r"(?:segui|seguici|condividi)\b",
        r"(?:volg\s+ons|deel)\b",
        r"(?:śledź|obserwuj|udostępnij|dołącz\s+do)\b",
        r"(?:følg|del\s+(?:artikel|sak)|dela|följ)\b",
        r"(?:sdílet|sledujte)\b",
        r"(?:поделиться|следите|присоединяйтесь|подписывайтесь|поділитися|слідкуйте|приєднуйтесь)",
        r"(?:paylaş|takip\s+et|bizi\s+takip)",
    ),
    "byline": (
        r"(?:mit|with|con|avec|com|med|z)\s+(?:material\s+(?:von|der)\s+|agencies|post\s+wires|reports?\s+from|(?:ap|afp|dpa|apa|sda|reuters|sid|epd|kna|efe|ansa|ritzau|ntb|tt|pap)\b).{0,80}$",
        r"additional\s+reporting\b",
        r"contributing\b.{0,60}$",
        r"[\w/,\s]{2,30}\((?:dpa|afp|ap|reuters|sid|apa|kna|epd)\)$",
        r"\(?(?:dpa|afp|ap|sid|apa|kna|epd|ots|rnd)(?:\s*[/,]\s*[\w-]{1,12})*\)?$",
        r"© ?(?:dpa|afp|ap)\b.{0,50}$",
        r"associated\s+press\s+(?:writers?|reporters?)\b",
        r"(?:by|from|reporting\s+by|written\s+by|story\s+by|von|par|por|di|door|av|af|autor(?:in)?|author|text|redaktion|opracowanie|автор|автори|текст|yazan|haber|文|記者|记者|作者|编辑|責編|责编|来源|來源|기자)\s*[:：]?\s+\S.{0,60}$",
        r"(?:published|updated|posted|last\s+updated|modified|created|stand|aktualisiert|veröffentlicht|erschienen|erstellt|publié|mis\s+à\s+jour|publicado|actualizado|atualizado|pubblicato|aggiornato|gepubliceerd|bijgewerkt|opublikowano|aktualizacja|opdateret|udgivet|publisert|oppdatert|publicerad|uppdaterad|publikováno|aktualizováno|опубликовано|обновлено|опубліковано|оновлено|güncelleme|yayınlanma|giriş|更新|発信地|公開|发布时间|發布時間|입력|수정)\b.{0,80}$",
        r"\(?(?:ap|afp|reuters|dpa|apa|sda|ansa|efe|ntb|tt|pap|čtk|тасс|xinhua|pti|ians|ani|upi|bloomberg)(?:[/,]\s*\w+)*\)?\.?$",
        r"\(?(?:quelle|source|fuente|fonte|źródło|kilde|källa|zdroj|источник|джерело|kaynak|来源|出典)\s*[:：]",
    ),
    "credit": (
        r"(?:photos?|photograph(?:y|ed)?|pictures?|image|images|foto|fotos|bild|bilder|imagen|crédit|credits?|quelle|illustration|grafik|video|screenshot|imago|getty|fotografie|zdjęcie|zdj|фото|картинка|fotoğraf|写真|图片|圖片|사진)\s*(?:by|von|de|credit|courtesy|source|via|di|du|af|av)?\s*[:：©/|(]",
        r"©",
    ),
    "bio": (
        r"[^.!?]{3,60}\bes\s+(?:\w+\s+){0,3}(?:periodista|redactora?|corresponsal|escritora?)\b",
        r"[^.!?]{3,60}\best\s+(?:\w+\s+){0,3}(?:journaliste|rédact|correspondant|chroniqueu)",
        r"[^.!?]{3,60}\bè\s+(?:\w+\s+){0,3}(?:giornalista|redatt|corrispondent)",
        r"[^.!?]{3,60}\bis\s+(?:redacteur|verslaggever|journalist|correspondent)\b",
        r"author\s*:?$",
        r"(?:autor|autorin|author|auteur|autore|авторы?|автори?)\s*:",
        r"(?:about\s+the\s+author|über\s+den\s+autor|über\s+die\s+autorin|zur\s+person|sobre\s+el\s+autor|à\s+propos\s+de\s+l['’]auteur|sull['’]autore|over\s+de\s+auteur|об\s+авторе|про\s+автора|o\s+autorze|o\s+autorovi|om\s+forfatteren|om\s+författaren|yazar\s+hakkında|作者简介|著者)",
        r"[^.!?]{3,80}\b(?:is|was)\s+an?\s+(?:[\w-]+\s+){0,6}(?:reporter|writer|editor|journalist|author|professor|columnist|contributor|correspondent|fellow|producer|critic|freelance\w*|photographer|blogger|historian|novelist|director|lecturer)\b",
        r"[^.!?]{3,60}\bist\s+(?:\w+\s+){0,4}(?:redakteur|redakteurin|autor|autorin|korrespondent|korrespondentin|journalist|journalistin|reporter|reporterin|volontär|volontärin)\b",
        r"(?:more|all)\s+(?:posts|articles|stories|from|by)\b.{0,60}$",
    ),
    "legal": (
        r"(?:this|dieser|diese)\s+(?:article|story|piece|post|artikel|beitrag|text|meldung)\b.{0,60}(?:originally|first|zuerst|erschien|published|appeared|republished|reprinted|produced|automatisch|übersetzt|translated|updated)",
        r"(?:der|dieser)\s+(?:artikel|text|beitrag)\b.{0,40}(?:erschien|stammt)",
        r"(?:correction|clarification|update|korrektur|anmerkung|hinweis|transparenzhinweis|note|nota|rectification)\s*[:,(]",
        r"(?:empfohlener|externer)\s+(?:redaktioneller\s+)?inhalt",
        r"(?:an\s+dieser\s+stelle|um\s+diesen\s+inhalt|zum\s+anzeigen|um\s+eingebettete)\b",
        r"ich\s+bin\s+(?:damit\s+)?einverstanden",
        r"(?:this\s+content|to\s+view\s+this|we\s+use\s+cookies|by\s+clicking|wir\s+verwenden\s+cookies|nous\s+utilisons|utilizamos\s+cookies|usamos\s+cookies|używamy|utilizziamo)\b",
        r"©",
    ),
    "comment": (
        r"(?:please\s+)?(?:log\s*in|sign\s*in|register|anmelden|einloggen|registrieren|connexion|se\s+connecter|iniciar\s+sesión|accedi|inloggen|zaloguj|logg\s+inn|logga\s+in|log\s+ind|přihlásit|войти|увійти|giriş\s+yap|ログイン|登录|登入|로그인)\b.{0,40}$",
        r"(?:willkommen\s+zurück|welcome\s+back|neues\s+passwort|forgot|passwort\s+vergessen|reset\s+(?:your\s+)?password|your\s+(?:email|comment|password)|bitte\s+melden\s+sie\s+sich|you\s+must\s+be\s+logged|sie\s+müssen\s+angemeldet)",
        r"(?:\d+\s+)?(?:comments?|kommentare?|commentaires?|comentarios?|comentários|commenti|reacties|komentarze|kommentarer|komentáře|комментари[ийя]|коментар[іяи]|yorumlar?|コメント|评论|評論|댓글)\b.{0,40}$",
        r"(?:leave\s+a\s+(?:comment|reply)|post\s+a\s+comment|join\s+the\s+(?:conversation|discussion)|what\s+do\s+you\s+think|have\s+your\s+say|add\s+a\s+comment|show\s+comments|view\s+comments|let\s+us\s+know\s+in\s+the\s+comments|schreiben\s+sie\s+einen|kommentar\s+schreiben|laissez\s+un|deja\s+un|deixe\s+um|lascia\s+un|dodaj\s+komentarz|skriv\s+en|оставить|залишити|yorum\s+yap)",
    ),
    "ad": (
        r"(?:advertisement|advert|ad|ads|anzeige|werbung|reklame|annons|publicité|publicidad|publicidade|pubblicità|reclame|reklama|реклама|reklam|広告|廣告|广告|광고|sponsored(?:\s+content|\s+links?)?|story\s+continues\s+(?:below|after).{0,40}|article\s+continues\s+(?:below|after).{0,40}|continue\s+reading\s+below.{0,30}|scroll\s+(?:down\s+)?to\s+continue.{0,60}|annonse|inzerce|advertising|paid\s+content|promoted|skip\s+advertisement|from\s+our\s+partners?|artikel\s+wird\s+(?:nach|unter).{0,40})\s*[.:]?$",
    ),
}
INNER: dict[str, tuple[str, ...]] = {
    "promo": (
        r"\bsubscrib(?:e|ing|ers?)\b.{0,80}(?:newsletter|now|today|access|unlimited|here|podcast|channel|for\s+(?:free|just|only)|continue|updates?|support|daily|inbox|to\s+(?:our|the|us))",
        r"\bsign(?:ing)?[\s-]?up\b.{0,80}(?:newsletters?|free|here|now|today|alerts?|e-?mails?|updates?|inbox|daily|for\s+our)",
        r"\b(?:our|free|daily|weekly|morning|this)\s+newsletters?\b",
        r"delivered\s+(?:straight\s+|directly\s+|right\s+)?(?:to|in)\s+your\s+(?:inbox|door|email)",
        r"\b(?:unlimited|ad[\s-]free|digital)\s+(?:access|experience|reading)\b",
        r"\bapp\s+access\b",
        r"\bdownload\b.{0,40}\bapp\b",
        r"\bget\s+(?:the|our)\b.{0,40}\b(?:app|newsletter|magazine|latest\s+(?:news|stories))\b",
        r"\byour\s+(?:donation|contribution|support|gift)\b.{0,60}(?:help|make|keep|tax|match|allow)",
        r"\b(?:register|create\s+an?\s+(?:free\s+)?account|log\s*in|sign\s*in)\b.{0,50}(?:to\s+(?:continue|read|comment|keep|unlock|access)|free|already|subscri)",
        r"\bthis\s+(?:article|story|content)\s+(?:is|was)\s+(?:for|only\s+available|exclusive|free|available)\b",
        r"\bnewsletter\b.{0,80}(?:abonnieren|anmelden|bestellen|kostenlos|hier|täglich|wöchentlich|jetzt|verpassen)",
        r"\b(?:abonnieren|melden)\s+sie\b",
        r"\b(?:abo|probeabo|digital-?abo|f\+|plus-artikel)\b.{0,60}(?:testen|lesen|jetzt|monat|zugang|euro|€|kostenlos)",
        r"\b(?:kostenlos|gratis)\b.{0,40}\b(?:testen|newsletter|registrieren|app)\b",
        r"\b(?:unsere?|die)\b.{0,40}\bapp\b.{0,60}(?:herunterladen|download|laden|store|kostenlos|installieren)",
        r"\b(?:abonnez|inscrivez|recevez|téléchargez)[\s-](?:-?vous|la|notre|l['’]|nos|toute)\b",
        r"\b(?:réservé|offert)\s+aux\s+abonnés\b",
        r"\b(?:suscríbete|suscríbase|regístrate|regístrese|apúntate|apúntese|descarga|descárgate|inscríbete)\b",
        r"\b(?:contenido|artículo)\s+(?:exclusivo|solo)\s+para\s+suscriptores\b",
        r"\brecib[ea]\b.{0,50}(?:newsletter|boletín|correo|alertas)",
        r"\b(?:assine|inscreva-se|cadastre-se|receba|baixe)\b.{0,80}(?:newsletter|notícias|app|canal|e-?mail|gr[áa]tis|aplicativo|assinatura)",
        r"\b(?:abbonati|iscriviti|registrati|scarica)\b",
        r"\b(?:ricevi)\b.{0,60}(?:newsletter|notizie|email)",
        r"\b(?:abonneer|meld\s+je\s+aan|schrijf\s+je\s+in|word\s+(?:lid|abonnee))\b",
        r"\b(?:zapisz\s+się|zasubskrybuj|prenumeruj|subskrybuj|zaprenumeruj|pobierz\s+aplikacj|wykup\s+dostęp)",
        r"\b(?:tilmeld\s+dig|bliv\s+abonnent|meld\s+deg\s+på|bli\s+abonnent|kjøp\s+abonnement|få\s+nyhetsbrev|prenumerera|bli\s+prenumerant|anmäl\s+dig|ladda\s+ner\s+appen|få\s+adgang)\b",
        r"\b(?:předplaťte|přihlaste\s+se|odebírejte|přihlásit\s+k\s+odběru|předplatné)\b",
        r"\b(?:подпишитесь|подписывайтесь|подписаться|подписка|скачайте\s+приложение|поддержите\s+нас|оформите\s+подписку)\b",
        r"\b(?:підпишіться|підписуйтесь|підписуйтеся|завантажте|підтримайте)\b",
        r"\b(?:abone\s+ol|üye\s+ol|bültenimize|uygulamamızı)\b",
        r"(?:会員(?:限定|登録)|有料会員|無料登録|ログイン(?:して|する)|メルマガ|購読)",
        r"(?:订阅|訂閱|关注(?:我们|公众号)|扫描二维码|下载.{0,10}(?:APP|客户端)|下載.{0,10}APP)",
        r"(?:구독|회원가입|로그인|앱\s*다운로드)",
    ),
    "social": (
        r"\bfollow\s+(?:us|me|him|her|them|@)",
        r"\b(?:email|e-mail|contact|reach)\b.{0,50}@",
        r"\bcan\s+be\s+(?:reached|contacted|followed)\b",
        r"(?:分享到|分享至|シェア|フォロー|공유하기|팔로우)",
    ),
    "byline": (
        r"\b(?:contributed\s+(?:to|reporting)|reporting\s+(?:by|from)|editing\s+by|additional\s+reporting|compiled\s+by|writing\s+by|wrote\s+this|bearbeitet|mitarbeit|with\s+(?:ap|afp|reuters)|\(reporting)\b",
        r"\b(?:min(?:ute)?s?\s+(?:read|de\s+lectura|lesezeit|okuma)|lesezeit|lesedauer|temps\s+de\s+lecture|reading\s+time|minuter|min\.?\s+läsning)\b",
    ),
    "credit": (
        r"\b(?:getty\s+images|shutterstock|imago(?:\s+images)?|picture[\s-]alliance|ap\s+photo|afp\s+via|via\s+(?:getty|ap|reuters|afp)|istock|adobe\s+stock|keystone|unsplash|file\s+photo|archivbild|symbolbild|archivfoto|foto\s+d['’]archivio|dpa[-/]|photo\s+by|photograph\s+by|image\s+credit|courtesy\s+(?:of|photo))\b",
        r"\(\s*(?:photo|foto|image|ap|credit|bild|фото|写真)\b[^)]{0,80}\)\s*$",
        r"/\s*(?:ap|afp|dpa|getty|reuters|epa|imago|keystone|scanpix|ritzau|ntb|tt|pap|ansa|efe)\s*\)?$",
    ),
    "bio": (
        r"\b(?:covers|writes\s+about|has\s+(?:written|worked|covered|been\s+writing))\b.{0,100}\b(?:for|since|at)\b",
        r"\bet\s+journaliste\b",
        r"\bview\s+(?:all|more|author)\b.{0,30}(?:posts|articles|author|profile)",
    ),
    "legal": (
        r"\ball\s+rights\s+reserved\b",
        r"\bcopyright\b",
        r"\b(?:may\s+not\s+be\s+(?:published|reproduced|republished|redistributed)|republish|reprinted\s+with|terms\s+of\s+(?:use|service)|privacy\s+policy|cookies?\s+(?:policy|settings|consent))\b",
        r"\baffiliate\s+(?:links?|commission|partner|program)",
        r"\b(?:earn|receive)\s+an?\s+(?:affiliate\s+)?commission\b",
        r"\b(?:opinions?|views?)\s+expressed\b",
        r"\b(?:correction|editor[’']?s[’']?\s+note|clarification|disclaimer|disclosure)\b\s*[:—–-]",
        r"\b(?:alle\s+rechte\s+vorbehalten|tous\s+droits\s+réservés|todos\s+los\s+derechos|todos\s+os\s+direitos|tutti\s+i\s+diritti|riproduzione\s+riservata|alle\s+rechten|wszelkie\s+prawa|alle\s+rettigheder|med\s+ensamrätt|všechna\s+práva|все\s+права|усі\s+права|всі\s+права|her\s+hakkı|tüm\s+hakları|無断転載|版权所有|版權所有|未经授权|무단\s*전재)",
        r"\b(?:datenschutz|impressum|einwilligung|externe(?:n|r)?\s+inhalt|personenbezogene\s+daten|affiliate[\s-]links?|provision)",
        r"\b(?:javascript|adblock|ad[\s-]blocker|browser)\b.{0,60}(?:enable|disable|support|turn|aktivier|deaktivier|update)",
    ),
    "live": (
        r"\bfollow\b.{0,60}\blive\s*(?:blog|updates?|coverage|ticker)",
        r"\blive\s*(?:blog|updates)\b.{0,40}(?:here|below|latest|for)",
        r"\b(?:follow|get)\b.{0,40}\b(?:latest|live)\s+(?:updates?|coverage)\b",
        r"\b(?:im|unseren?|zum)\s+live-?(?:blog|ticker)\b",
        r"\ben\s+direct\b.{0,40}suiv",
        r"\bsuivez\b.{0,40}\bdirect\b",
        r"\b(?:sigue|última\s+hora)\b.{0,60}\b(?:directo|en\s+vivo|minuto\s+a\s+minuto)",
        r"\bao\s+vivo\b.{0,30}acompanhe",
        r"\bsegui\b.{0,30}\bdiretta\b",
        r"\bliveblog\b.{0,40}(?:volg|følg|följ|relacj)",
        r"\bonline[\s-]?přenos",
    ),
}


PHRASE_KINDS = tuple(dict.fromkeys((*START, *INNER)))


@dataclass(frozen=True, slots=True)
class _Phrase:
    """The kind that a pattern indicates, and its `match` (of START) or `search` (of INNER)."""

    kind: str
    find: Callable[[str], re.Match[str] | None]


# first letters of a word -> the patterns that a word beginning with them may be part of, and those that it may open
_TRIGGERED: dict[str, list[_Phrase]] = {}
_OPENED: dict[str, list[_Phrase]] = {}
# patterns that need a character of a script without spaces, and those that have to be tried on every text
_UNSPACED_ONLY: list[_Phrase] = []
_UNTRIGGERED: list[_Phrase] = []


def _file(phrase: _Phrase, pattern: str, at_start: bool) -> None:
    openings = find_openings(pattern) if at_start else frozenset()
    triggers = openings or find_triggers(pattern)
    for trigger in triggers:
        (_OPENED if openings else _TRIGGERED).setdefault(trigger, []).append(phrase)
    if not triggers:
        (_UNSPACED_ONLY if needs_unspaced(pattern) else _UNTRIGGERED).append(phrase)


for _kind in PHRASE_KINDS:
    for _pattern in START.get(_kind, ()):
        _file(_Phrase(_kind, re.compile(_pattern).match), _pattern, at_start=True)
    for _pattern in INNER.get(_kind, ()):
        _file(_Phrase(_kind, re.compile(_pattern).search), _pattern, at_start=False)
_HEAD = re.compile(rf"\b\w{{1,{WIDTH}}}")
_LONG_TEXT = 420


@lru_cache(maxsize=16_384)
def find_phrases(text: str) -> tuple[str, ...]:
    """Return the kinds of boilerplate that a block's words indicate; only the two ends of a long text are read."""
    lower = fold_text(text)
    found: set[str] = set()
    for phrase in _list_candidates(lower):
        if phrase.kind not in found and phrase.find(lower):
            found.add(phrase.kind)
    return tuple(name for name in PHRASE_KINDS if name in found) if found else ()


def fold_text(text: str) -> str:
    """Return what the patterns are matched against: the text in lower case, without the middle if it is long."""
    if len(text) > _LONG_TEXT:
        text = text[:160] + " … " + text[-140:]
    return text.lower().replace("i\u0307", "i")  # how lower() writes the Turkish capital İ


def _list_candidates(lower: str) -> list[_Phrase]:
    found = [*_UNTRIGGERED]
    heads = _HEAD.findall(lower)
    if heads:
        found += _OPENED.get(heads[0], ())
    for head in _TRIGGERED.keys() & set(heads):
        found += _TRIGGERED[head]
    if not lower.isascii() and UNSPACED.search(lower):
        found += _UNSPACED_ONLY
    return found
